//! Where a task was spawned, and what it is called: in one pointer, as most tasks have no name and there are many tasks.
//!
//! The pointer is that of the place, or, with its lowest bit set, that of a box with the place and the name.
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::NonNull;

/// The lowest bit: there is a name.
const NAMED: usize = 1;

pub(crate) struct Origin(NonNull<()>, PhantomData<(&'static Location<'static>, Box<Named>)>);

struct Named {
    spawned: &'static Location<'static>,
    name: Box<str>,
}

const _: () = assert!(align_of::<Location<'static>>() > NAMED && align_of::<Named>() > NAMED);

// SAFETY: what it points to is Send and Sync, and its own or static.
unsafe impl Send for Origin {}
// SAFETY: as above.
unsafe impl Sync for Origin {}

impl Origin {
    /// Of a task without a name.
    #[inline(always)]
    pub(crate) fn at(spawned: &'static Location<'static>) -> Origin {
        Origin(NonNull::from(spawned).cast(), PhantomData)
    }

    pub(crate) fn named(spawned: &'static Location<'static>, name: &str) -> Origin {
        let named = NonNull::from(Box::leak(Box::new(Named { spawned, name: name.into() })));
        Origin(named.cast().map_addr(|addr| addr | NAMED), PhantomData)
    }

    /// The box, if there is a name.
    #[inline(always)]
    fn boxed(&self) -> Option<NonNull<Named>> {
        let addr = self.0.addr().get();
        let plain = NonNull::new(self.0.as_ptr().map_addr(|addr| addr & !NAMED))?;
        (addr & NAMED != 0).then_some(plain.cast())
    }

    fn as_named(&self) -> Option<&Named> {
        // SAFETY: `named` leaked it, and the Drop alone takes it back.
        self.boxed().map(|named| unsafe { named.as_ref() })
    }

    /// Where the task was spawned.
    pub(crate) fn spawned(&self) -> &'static Location<'static> {
        match self.as_named() {
            Some(named) => named.spawned,
            // SAFETY: without the bit it is what `at` was given.
            None => unsafe { self.0.cast::<Location<'static>>().as_ref() },
        }
    }

    /// The task's name, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.as_named().map(|named| &*named.name)
    }

    /// The name in quotes, with a space before it, if there is one.
    pub(crate) fn quoted_name(&self) -> impl fmt::Display {
        fmt::from_fn(|f| match self.name() {
            Some(name) => write!(f, " \"{name}\""),
            None => Ok(()),
        })
    }
}

impl Drop for Origin {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(named) = self.boxed() {
            // SAFETY: `named` leaked it, and this is the only one to take it back.
            drop(unsafe { Box::from_raw(named.as_ptr()) });
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("spawned", self.spawned()).field("name", &self.name()).finish()
    }
}

#[cfg(all(test, not(dormouse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_place_and_the_name_come_back() {
        let place = Location::caller();
        let (plain, named) = (Origin::at(place), Origin::named(place, "a name"));
        assert!(std::ptr::eq(plain.spawned(), place) && std::ptr::eq(named.spawned(), place));
        assert_eq!((plain.name(), named.name()), (None, Some("a name")));
        assert_eq!(format!("{}|{}", plain.quoted_name(), named.quoted_name()), "| \"a name\"");
        assert_eq!(Origin::named(place, "").name(), Some(""));
        assert_eq!(size_of::<Origin>(), size_of::<usize>());
    }
}
