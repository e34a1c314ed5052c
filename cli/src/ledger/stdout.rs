//! Keeps stdout for results: solana-remote-wallet says there that it waits.

#[cfg(unix)]
mod unix {
    use std::{
        io::{self, Write},
        os::fd::OwnedFd,
    };

    use rustix::{
        io::dup,
        stdio::{dup2_stdout, stderr, stdout},
    };

    /// As long as it lives, what is printed to stdout goes to stderr.
    pub struct ResultsAside(OwnedFd);

    impl ResultsAside {
        /// Where it does not work nothing is lost: the words stand beside the results.
        pub fn begin() -> Option<Self> {
            io::stdout().flush().ok()?;
            let kept = dup(stdout()).ok()?;
            dup2_stdout(stderr()).ok()?;
            Some(Self(kept))
        }
    }

    impl Drop for ResultsAside {
        fn drop(&mut self) {
            // Nobody is there to be told that a stream is closed.
            let _ = io::stdout().flush();
            let _ = dup2_stdout(&self.0);
        }
    }
}

#[cfg(unix)]
pub use unix::ResultsAside;

/// Elsewhere the words stand beside the results.
#[cfg(not(unix))]
pub struct ResultsAside;

#[cfg(not(unix))]
impl ResultsAside {
    pub fn begin() -> Option<Self> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::read_link;

    use super::ResultsAside;

    #[test]
    fn stdout_is_set_aside_and_comes_back() {
        let of = |number| read_link(format!("/proc/self/fd/{number}")).unwrap();
        let (before, stderr) = (of(1), of(2));
        let aside = ResultsAside::begin().unwrap();
        assert_eq!(of(1), stderr);
        drop(aside);
        assert_eq!((of(1), of(2)), (before, stderr));
    }
}
