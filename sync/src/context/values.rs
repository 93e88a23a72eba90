//! The values of a context: a list from the youngest to the oldest, shared by all contexts that come from one.
use std::any::Any;
use std::sync::Arc;

/// One value, and those before it.
pub(super) struct Values {
    value: Box<dyn Any + Send + Sync>,
    older: Option<Arc<Values>>,
}

impl Values {
    pub(super) fn new<T: Any + Send + Sync>(value: T, older: Option<Arc<Values>>) -> Arc<Values> {
        Arc::new(Values { value: Box::new(value), older })
    }

    /// The youngest value of this type.
    pub(super) fn find<T: Any>(&self) -> Option<&T> {
        let mut values = Some(self);
        while let Some(this) = values {
            if let Some(value) = this.value.downcast_ref() {
                return Some(value);
            }
            values = this.older.as_deref();
        }
        None
    }
}

impl Drop for Values {
    /// One after the other: the list may be long.
    fn drop(&mut self) {
        let mut older = self.older.take();
        while let Some(mut values) = older.and_then(Arc::into_inner) {
            older = values.older.take();
        }
    }
}
