//! Who holds a program's upgrade authority.

use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;

use super::Client;
use crate::{error::ClientError, pda};

/// Who holds a program's upgrade authority; asked about Portcullis itself, who could void all its guarantees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guardianship {
    /// Nobody: the program can never change.
    Finalized,
    /// Its own gate: it changes only as it lets other programs change.
    OwnGate { gate: Pubkey },
    /// The gate of another instance of Portcullis.
    OtherInstance { portcullis: Pubkey, gate: Pubkey },
    /// An address without a private key: some other program decides.
    ProgramAddress(Pubkey),
    /// Whoever has this key decides alone.
    PlainKey(Pubkey),
    /// Not a program of loader v3; this is its owner.
    NotLoaderV3 { owner: Pubkey },
}

impl Client {
    /// Who holds Portcullis's own upgrade authority. `instances` are other instances of Portcullis whose gates are to be
    /// recognized.
    ///
    /// # Errors
    /// `NotFound` where Portcullis is not deployed on this cluster.
    pub async fn guardianship(&self, instances: &[Pubkey]) -> Result<Guardianship, ClientError> {
        self.upgrade_authority_of(&self.portcullis, instances).await
    }

    /// Who holds a program's upgrade authority. `instances` as in [`guardianship`](Self::guardianship); this client's own
    /// instance is always known.
    ///
    /// # Errors
    /// `NotFound`, `Decode`.
    pub async fn upgrade_authority_of(
        &self,
        program: &Pubkey,
        instances: &[Pubkey],
    ) -> Result<Guardianship, ClientError> {
        let account = self.require(program, "a program").await?;
        if account.owner != bpf_loader_upgradeable::ID {
            return Ok(Guardianship::NotLoaderV3 {
                owner: account.owner,
            });
        }
        let programdata = self.fetch_programdata(program).await?.account;
        let Some(authority) = programdata.upgrade_authority else {
            return Ok(Guardianship::Finalized);
        };
        for portcullis in [&self.portcullis].into_iter().chain(instances) {
            if authority == pda::authority(portcullis, program) {
                let gate = pda::gate(portcullis, program);
                return Ok(if portcullis == program {
                    Guardianship::OwnGate { gate }
                } else {
                    Guardianship::OtherInstance {
                        portcullis: *portcullis,
                        gate,
                    }
                });
            }
        }
        Ok(if authority.is_on_curve() {
            Guardianship::PlainKey(authority)
        } else {
            Guardianship::ProgramAddress(authority)
        })
    }
}
