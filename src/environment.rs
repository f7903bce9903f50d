//! What the library may know of the world, handed in by whoever uses it: the clock, randomness, the actor, secrets.
//! The library itself never reads the environment, so that tests can fix all of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::note::{SigningKey, VerifyingKey};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01 UTC.
    fn now_us(&self) -> i64;
}

/// Gives random bytes, for salts and run ids.
pub trait Randomness: Send + Sync {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// Bytes to make a key of.
    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        seed
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// What a run may know of the world.
#[derive(Clone)]
#[non_exhaustive]
pub struct Environment {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub randomness: Arc<dyn Randomness>,
    /// Who runs it, as it shall stand in the ledger.
    pub actor: String,
    /// Where it runs, as it shall stand in the ledger.
    pub host: String,
    /// The secrets that expressions and operations may ask for by name; never written anywhere.
    pub secrets: Secrets,
    /// The key that checkpoints are signed with, and the one that they are checked with.
    pub keys: CheckpointKeys,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            actor: "unknown".to_owned(),
            host: "unknown".to_owned(),
            secrets: Secrets::default(),
            keys: CheckpointKeys::default(),
        }
    }
}

impl Environment {
    /// Sets the clock. Default: [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the randomness. Default: [`SystemRandomness`].
    #[must_use]
    pub fn randomness(mut self, randomness: Arc<dyn Randomness>) -> Self {
        self.randomness = randomness;
        self
    }

    /// Sets the actor to record in the ledger. Default: `unknown`.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Sets the host to record in the ledger. Default: `unknown`.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Sets the secrets that expressions and operations may ask for by name. Default: none.
    #[must_use]
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets the keys that checkpoints are signed and checked with. Default: none.
    #[must_use]
    pub fn keys(mut self, keys: CheckpointKeys) -> Self {
        self.keys = keys;
        self
    }
}

/// The keys for checkpoints. Without any, runs are not signed, and of a signed store only its root is compared.
#[derive(Clone, Debug, Default)]
pub struct CheckpointKeys {
    signing: Option<Arc<SigningKey>>,
    verifying: Option<VerifyingKey>,
}

impl CheckpointKeys {
    /// A key that signs; its other half checks.
    #[must_use]
    pub fn signing(key: SigningKey) -> Self {
        Self {
            verifying: Some(key.verifying()),
            signing: Some(Arc::new(key)),
        }
    }

    /// A key that checks; nothing is signed.
    #[must_use]
    pub fn verifying(key: VerifyingKey) -> Self {
        Self {
            signing: None,
            verifying: Some(key),
        }
    }

    /// What signs.
    #[must_use]
    pub fn signer(&self) -> Option<&SigningKey> {
        self.signing.as_deref()
    }

    /// What signatures are checked with.
    #[must_use]
    pub fn trusted(&self) -> Option<&VerifyingKey> {
        self.verifying.as_ref()
    }
}

/// Secrets by name. The debug form shows the names only.
#[derive(Clone, Default)]
pub struct Secrets(Arc<BTreeMap<String, String>>);

impl Secrets {
    /// The secret of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(secrets: I) -> Self {
        Self(Arc::new(secrets.into_iter().collect()))
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
