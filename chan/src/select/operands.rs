//! What may stand where a channel is expected in `select!`.
use crate::receiver::Receiver;
use crate::sender::Sender;

/// What may stand in `recv(...)`: a receiver, or an option of one, behind any number of references; `None` at any depth
/// disables the arm. `select!` borrows what stands there, so each implementation is for a reference.
#[diagnostic::on_unimplemented(
    message = "`recv(..)` in `select!` takes a `Receiver`, a reference to one, or an `Option` of either",
    label = "not a receiver: borrowed by `select!`, this is a `{Self}`",
    note = "of a `Box`, an `Rc` or an `Arc` give what it points to: `recv(*pointer)`"
)]
pub trait RecvOperand<'a> {
    /// What is received.
    type Value: 'a;
    /// The receiver, if the arm is enabled.
    fn receiver(self) -> Option<&'a Receiver<Self::Value>>;
}

/// What may stand in `send(...)` and `send_from(...)`: a sender, or an option of one, as in [`RecvOperand`].
#[diagnostic::on_unimplemented(
    message = "`send(..)` and `send_from(..)` in `select!` take a `Sender`, a reference to one, or an `Option` of either",
    label = "not a sender: borrowed by `select!`, this is a `{Self}`",
    note = "of a `Box`, an `Rc` or an `Arc` give what it points to: `send(*pointer, value)`"
)]
pub trait SendOperand<'a> {
    /// What is sent.
    type Value: 'a;
    /// The sender, if the arm is enabled.
    fn sender(self) -> Option<&'a Sender<Self::Value>>;
}

/// The implementations are told apart by the type behind the first reference, so inference finds the one that fits.
macro_rules! operand {
    ($Operand:ident, $Half:ident, $method:ident) => {
        impl<'a, T> $Operand<'a> for &'a $Half<T> {
            type Value = T;
            fn $method(self) -> Option<&'a $Half<T>> {
                Some(self)
            }
        }
        impl<'a, T> $Operand<'a> for &'a Option<$Half<T>> {
            type Value = T;
            fn $method(self) -> Option<&'a $Half<T>> {
                self.as_ref()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &&'o O
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                (*self).$method()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &'o &mut O
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                (&**self).$method()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &Option<&'o O>
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                (*self)?.$method()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &'o Option<&mut O>
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                self.as_deref()?.$method()
            }
        }
    };
}
operand!(RecvOperand, Receiver, receiver);
operand!(SendOperand, Sender, sender);
