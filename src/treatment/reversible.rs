//! Addresses encrypted so that whoever has the key can have them back. They look like addresses of others: a policy has to name
//! the scheme and say why.
//!
//! `ipcrypt-deterministic` and `ipcrypt-pfx` are those of draft-denis-ipcrypt, `crypto-pan` that of Xu, Fan, Ammar and Moon
//! (2002). The last two keep prefixes: two addresses that share the first bits do so afterwards. Whoever can have addresses
//! of his own choice logged learns the bits of others from that (RFC 8932, appendix B).

use super::address::Address;
use aes::{
    Aes128Enc, Block,
    cipher::{
        BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit, ParBlocks,
        consts::U16,
    },
};

/// A way to encrypt addresses. Its name goes into its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// An IPv6 address for any address.
    IpcryptDeterministic,
    /// Prefixes and the family stay.
    IpcryptPfx,
    /// Prefixes and the family stay; older, for those who have it already.
    CryptoPan,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Scheme; 3] = [Scheme::CryptoPan, Scheme::IpcryptDeterministic, Scheme::IpcryptPfx];

    /// As policies name it.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::IpcryptDeterministic => "ipcrypt-deterministic",
            Scheme::IpcryptPfx => "ipcrypt-pfx",
            Scheme::CryptoPan => "crypto-pan",
        }
    }
}

/// A scheme that has taken its key in; of the deterministic one that is the first half.
///
/// ```
/// use sladd::treatment::reversible::{Cipher, Scheme};
/// let cipher = Cipher::new(Scheme::IpcryptPfx, &std::array::from_fn(|i| i as u8));
/// let pair = ["192.0.2.1", "192.0.2.200"].map(|text| cipher.encrypt(text.parse().unwrap()).to_string());
/// let network = |text: &str| text.rsplit_once('.').map(|(network, _)| network.to_owned());
/// assert_eq!(network(&pair[0]), network(&pair[1]));
/// ```
pub struct Cipher(Kind);

enum Kind {
    Deterministic(Aes128Enc),
    Pfx(Box<[Aes128Enc; 2]>),
    /// With what stands behind the bits that are known.
    Pan(Aes128Enc, u128),
}

impl Cipher {
    /// Takes the key in.
    pub fn new(scheme: Scheme, key: &[u8; 32]) -> Cipher {
        let (first, second) = key.split_at(16);
        let aes = |half: &[u8]| Aes128Enc::new_from_slice(half).expect("half of 32 bytes are 16");
        Cipher(match scheme {
            Scheme::IpcryptDeterministic => Kind::Deterministic(aes(first)),
            Scheme::IpcryptPfx => Kind::Pfx(Box::new([aes(first), aes(second)])),
            Scheme::CryptoPan => {
                let (aes, mut pad) = (aes(first), Block::try_from(second).expect("half of 32 bytes are 16"));
                aes.encrypt_block(&mut pad);
                Kind::Pan(aes, u128::from_be_bytes(pad.into()))
            }
        })
    }

    /// The address that stands for this one.
    pub fn encrypt(&self, address: std::net::IpAddr) -> std::net::IpAddr {
        match self.replace(address.into()) {
            Address::V4(bits) => std::net::IpAddr::V4(bits.into()),
            Address::V6(bits) => std::net::IpAddr::V6(bits.into()),
        }
    }

    #[inline(never)]
    pub(super) fn replace(&self, address: Address) -> Address {
        match (&self.0, address) {
            (Kind::Deterministic(aes), address) => {
                let mut block = Block::from(mapped(address).to_be_bytes());
                aes.encrypt_block(&mut block);
                Address::from_v6(u128::from_be_bytes(block.into()))
            }
            (Kind::Pfx(both), Address::V4(bits)) => {
                // What stands in front of a mapped address, behind the one that says where it begins.
                Address::V4(bits ^ known_bits(both, &mut (1 << 96 | 0xffff), bits))
            }
            (Kind::Pfx(both), Address::V6(bits)) => {
                let mut known = 1;
                Address::V6(bits ^ by_quarters(bits, |quarter, _| known_bits(both, &mut known, quarter)))
            }
            (Kind::Pan(aes, pad), Address::V4(bits)) => {
                Address::V4(bits ^ padded_bits(aes, u128::from(bits) << 96, *pad, u128::MAX))
            }
            (Kind::Pan(aes, pad), Address::V6(bits)) => {
                Address::V6(bits ^ by_quarters(bits, |_, at| padded_bits(aes, bits, *pad, u128::MAX >> at)))
            }
        }
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(..)")
    }
}

/// All 128 bits of an address, of an IPv4 address those of the mapped one.
fn mapped(address: Address) -> u128 {
    match address {
        Address::V4(bits) => 0xffff << 32 | u128::from(bits),
        Address::V6(bits) => bits,
    }
}

/// What `stream` gives for the four quarters of an address, one behind the other.
fn by_quarters(bits: u128, mut stream: impl FnMut(u32, u32) -> u32) -> u128 {
    [0, 32, 64, 96].into_iter().fold(0, |sum, at| sum << 32 | u128::from(stream((bits >> (96 - at)) as u32, at)))
}

/// 32 bits of ipcrypt-pfx: for each, what both keys make of the bits before it, `known`, as low as they can stand behind a
/// one. All at once: one block after the other is several times slower.
#[inline(always)]
fn known_bits([one, other]: &[Aes128Enc; 2], known: &mut u128, bits: u32) -> u32 {
    let mut blocks = [Block::default(); 32];
    let mut rest = bits;
    for block in &mut blocks {
        *block = known.to_be_bytes().into();
        *known = *known << 1 | u128::from(rest >> 31);
        rest <<= 1;
    }
    let lowest = |block: &Block| block[15] & 1;
    bits_of(one, &blocks, lowest) ^ bits_of(other, &blocks, lowest)
}

/// 32 bits of Crypto-PAn: for each, what the key makes of the bits before it with the pad behind them; `behind` has a one for
/// each bit of the pad at first.
#[inline(always)]
fn padded_bits(aes: &Aes128Enc, bits: u128, pad: u128, mut behind: u128) -> u32 {
    let mut blocks = [Block::default(); 32];
    for block in &mut blocks {
        *block = (bits & !behind | pad & behind).to_be_bytes().into();
        behind >>= 1;
    }
    bits_of(aes, &blocks, |block| block[0] >> 7)
}

/// One bit of what a key makes of each block, the first one highest.
#[inline(always)]
fn bits_of(aes: &Aes128Enc, blocks: &[Block; 32], bit: impl Fn(&Block) -> u8) -> u32 {
    let mut bits = 0;
    aes.encrypt_with_backend(Bits { blocks, bit, bits: &mut bits });
    bits
}

/// Encrypts as many blocks at once as the processor takes, up to 64, and fills the last time up with zeros: what is less than
/// that `encrypt_blocks` does one by one.
struct Bits<'a, F> {
    blocks: &'a [Block; 32],
    bit: F,
    bits: &'a mut u32,
}

impl<F> BlockSizeUser for Bits<'_, F> {
    type BlockSize = U16;
}

impl<F: Fn(&Block) -> u8> BlockCipherEncClosure for Bits<'_, F> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let at_once = ParBlocks::<B>::default().len();
        for some in self.blocks.chunks(at_once) {
            let mut batch = ParBlocks::<B>::default();
            batch[..some.len()].copy_from_slice(some);
            backend.encrypt_par_blocks((&mut batch).into());
            *self.bits =
                batch[..some.len()].iter().fold(*self.bits, |bits, block| bits << 1 | u32::from((self.bit)(block)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn cipher(scheme: Scheme, key: &str) -> Cipher {
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(key.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        Cipher::new(scheme, &bytes)
    }

    /// Test vectors of draft-denis-ipcrypt, and of the reference of Crypto-PAn.
    #[test]
    fn addresses_come_out_as_the_specifications_say() {
        use Scheme::{CryptoPan, IpcryptDeterministic, IpcryptPfx};
        let (one, two) = ("0123456789abcdeffedcba9876543210", "1032547698badcfeefcdab8967452301");
        let (both, pan) = (format!("{one}{two}"), "1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202");
        for (scheme, key, address, encrypted) in [
            (IpcryptDeterministic, one, "0.0.0.0", "bde9:6789:d353:824c:d7c6:f58a:6bd2:26eb"),
            (IpcryptDeterministic, two, "192.0.2.1", "7fde:a680:9546:ef2:d3c:7abb:1b38:2659"),
            (IpcryptPfx, &both, "0.0.0.0", "151.82.155.134"),
            (IpcryptPfx, &both, "255.255.255.255", "94.185.169.89"),
            (IpcryptPfx, &both, "192.0.2.1", "100.115.72.131"),
            (IpcryptPfx, &both, "2001:db8::1", "c180:5dd4:2587:3524:30ab:fa65:6ab6:f88"),
            (CryptoPan, pan, "::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"),
            (CryptoPan, pan, "2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"),
        ] {
            let made = cipher(scheme, key).encrypt(address.parse().unwrap());
            assert_eq!(made.to_string(), encrypted, "{scheme:?} of {address}");
        }
    }

    /// The plain version: bit by bit, one block after the other, as the specifications have them.
    fn plainly(scheme: Scheme, key: &[u8; 32], address: IpAddr) -> IpAddr {
        let (bits, length) = match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let made = |half: usize, block: u128| {
            let mut block = Block::from(block.to_be_bytes());
            Aes128Enc::new_from_slice(&key[16 * half..][..16]).unwrap().encrypt_block(&mut block);
            u128::from_be_bytes(block.into())
        };
        let ahead = if length == 32 { 1 << 96 | 0xffff } else { 1 };
        let pad = made(0, u128::from_be_bytes(key[16..].try_into().unwrap()));
        let stream = (0..length).fold(0, |stream, at| {
            let (known, behind) = (bits.checked_shr(128 - at).unwrap_or(0), u128::MAX >> at);
            let padded = ahead << at | known;
            stream << 1
                | match scheme {
                    Scheme::IpcryptPfx => (made(0, padded) ^ made(1, padded)) & 1,
                    Scheme::CryptoPan | Scheme::IpcryptDeterministic => made(0, bits & !behind | pad & behind) >> 127,
                }
        });
        match address {
            IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) ^ stream as u32).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) ^ stream).into(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn many_blocks_at_once_make_what_one_after_the_other_makes(
            key in any::<[u8; 32]>(), bits in any::<u128>(), v4 in any::<bool>(),
        ) {
            let address: IpAddr = if v4 { Ipv4Addr::from(bits as u32).into() } else { Ipv6Addr::from(bits).into() };
            prop_assume!(address.to_canonical() == address);
            for scheme in [Scheme::IpcryptPfx, Scheme::CryptoPan] {
                prop_assert_eq!(Cipher::new(scheme, &key).encrypt(address), plainly(scheme, &key, address));
            }
        }

        #[test]
        fn prefixes_stay_as_long_as_they_were_and_no_two_addresses_become_one(
            key in any::<[u8; 32]>(), one in any::<u128>(), shared in 0u32..128, v4 in any::<bool>(),
        ) {
            let other = one ^ 1 << (127 - shared);
            let address = |bits: u128| -> IpAddr {
                if v4 { Ipv4Addr::from((bits >> 96) as u32).into() } else { Ipv6Addr::from(bits).into() }
            };
            let common = |one: IpAddr, other: IpAddr| match (one, other) {
                (IpAddr::V4(one), IpAddr::V4(other)) => (u32::from(one) ^ u32::from(other)).leading_zeros(),
                (IpAddr::V6(one), IpAddr::V6(other)) => (u128::from(one) ^ u128::from(other)).leading_zeros(),
                _ => panic!("the family stays"),
            };
            let (one, other) = (address(one), address(other));
            prop_assume!(one.to_canonical() == one && other.to_canonical() == other);
            for scheme in [Scheme::IpcryptPfx, Scheme::CryptoPan] {
                let cipher = Cipher::new(scheme, &key);
                prop_assert_eq!(common(cipher.encrypt(one), cipher.encrypt(other)), common(one, other));
            }
            let cipher = Cipher::new(Scheme::IpcryptDeterministic, &key);
            prop_assert_eq!(cipher.encrypt(one) == cipher.encrypt(other), one == other);
        }
    }
}
