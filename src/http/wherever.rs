//! Texts that name this server's address, made once for all who ask. Without a public address the server is wherever it is
//! asked for, which a client makes up as it likes: so such a text is kept with that left open, and each answer has it
//! filled in with its own.

use std::sync::LazyLock;

use bytes::Bytes;
use uuid::Uuid;

use super::proxy::Proxy;
use crate::syndicate::Addresses;

/// What stands for the address while it is open. It is another at each start and no answer has it, so nobody can have
/// written it into an item.
static OPEN: LazyLock<String> = LazyLock::new(|| format!("http://{}.invalid", Uuid::now_v7().simple()));

/// The addresses to write such a text with.
#[must_use]
pub fn addresses(proxy: &Proxy) -> Addresses {
    Addresses::below(proxy.public.as_ref().map_or(&OPEN, |public| public.as_str()))
}

/// A text, in pieces between which the address stands.
#[derive(Clone, Debug)]
pub struct Text(Vec<Bytes>);

impl Text {
    /// What was written with [`addresses`].
    #[must_use]
    pub fn of(text: String) -> Self {
        let whole = Bytes::from(text);
        let text = std::str::from_utf8(&whole).expect("it was text");
        Self(text.split(OPEN.as_str()).map(|piece| whole.slice_ref(piece.as_bytes())).collect())
    }

    /// How many bytes it has, without addresses.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether it depends on the address.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.len() > 1
    }

    /// The text with this address in it.
    #[must_use]
    pub fn below(&self, base: &str) -> Bytes {
        match self.0.as_slice() {
            [whole] => whole.clone(),
            pieces => pieces.join(base.as_bytes()).into(),
        }
    }
}
