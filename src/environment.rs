//! What the library may know of the outside world: the clock, randomness, the actor, secrets. The caller passes it in.
//! The library itself never reads the environment, so that tests can fix all of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::note::{SigningKey, VerifyingKey};

/// Returns the time.
pub trait Clock: Send + Sync {
    /// Returns the time in microseconds since 1970-01-01 UTC.
    fn now_us(&self) -> i64;
}

/// Returns random bytes, for salts and run ids.
pub trait Randomness: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// Returns random bytes to make a key from.
    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        seed
    }
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// The environment of a run: clock, randomness, actor, host, secrets and keys.
#[derive(Clone)]
#[non_exhaustive]
pub struct Environment {
    /// The source of the time.
    pub clock: Arc<dyn Clock>,
    /// The source of random bytes.
    pub randomness: Arc<dyn Randomness>,
    /// The user or service that runs it, as recorded in the ledger.
    pub actor: String,
    /// The machine that it runs on, as recorded in the ledger.
    pub host: String,
    /// The secrets that expressions and operations may request by name; never written anywhere.
    pub secrets: Secrets,
    /// The keys that checkpoints are signed and verified with.
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

    /// Sets the secrets that expressions and operations may request by name. Default: none.
    #[must_use]
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets the keys that checkpoints are signed and verified with. Default: none.
    #[must_use]
    pub fn keys(mut self, keys: CheckpointKeys) -> Self {
        self.keys = keys;
        self
    }
}

/// The keys for checkpoints. Without a signing key, runs are not signed; without a verifying key, only the root of a
/// signed store is compared.
#[derive(Clone, Debug, Default)]
pub struct CheckpointKeys {
    signing: Option<Arc<SigningKey>>,
    verifying: Option<VerifyingKey>,
}

impl CheckpointKeys {
    /// Creates keys that sign with this key and verify with its public half.
    #[must_use]
    pub fn signing(key: SigningKey) -> Self {
        Self {
            verifying: Some(key.verifying()),
            signing: Some(Arc::new(key)),
        }
    }

    /// Creates keys that verify with this key; nothing is signed.
    #[must_use]
    pub fn verifying(key: VerifyingKey) -> Self {
        Self {
            signing: None,
            verifying: Some(key),
        }
    }

    /// Returns the key that signs checkpoints.
    #[must_use]
    pub fn signer(&self) -> Option<&SigningKey> {
        self.signing.as_deref()
    }

    /// Returns the key that verifies signatures.
    #[must_use]
    pub fn trusted(&self) -> Option<&VerifyingKey> {
        self.verifying.as_ref()
    }
}

/// Secrets by name. The debug output shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Arc<BTreeMap<String, String>>);

impl Secrets {
    /// Returns the secret with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns these secrets and others; where both have a name, the other one counts.
    #[must_use]
    pub fn overridden_by(&self, others: &Self) -> Self {
        let both = self.0.iter().chain(others.0.iter());
        both.map(|(name, secret)| (name.clone(), secret.clone()))
            .collect()
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
