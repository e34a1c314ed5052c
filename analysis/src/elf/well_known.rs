//! Addresses that many programs know.

use solana_sdk::pubkey::Pubkey;

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownKind {
    /// It can be called.
    Program,
    /// A sysvar, a mint: read or compared.
    Account,
}

/// A well-known address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub address: Pubkey,
    pub name: &'static str,
    pub kind: KnownKind,
}

const fn program(address: &str, name: &'static str) -> Known {
    Known {
        address: Pubkey::from_str_const(address),
        name,
        kind: KnownKind::Program,
    }
}

const fn account(address: &str, name: &'static str) -> Known {
    Known {
        address: Pubkey::from_str_const(address),
        name,
        kind: KnownKind::Account,
    }
}

/// The address among the well-known ones.
pub fn well_known(address: &Pubkey) -> Option<&'static Known> {
    WELL_KNOWN.iter().find(|known| known.address == *address)
}

/// The System program is not among them: its address is zeros, which are everywhere.
pub static WELL_KNOWN: &[Known] = &[
    Known {
        address: portcullis::ID,
        name: "Portcullis",
        kind: KnownKind::Program,
    },
    // The cluster's own.
    program(
        "AddressLookupTab1e1111111111111111111111111",
        "Address Lookup Table",
    ),
    program(
        "BPFLoader1111111111111111111111111111111111",
        "BPF Loader v1",
    ),
    program(
        "BPFLoader2111111111111111111111111111111111",
        "BPF Loader v2",
    ),
    program(
        "BPFLoaderUpgradeab1e11111111111111111111111",
        "BPF Loader v3",
    ),
    program("LoaderV411111111111111111111111111111111111", "Loader v4"),
    program(
        "ComputeBudget111111111111111111111111111111",
        "Compute Budget",
    ),
    program("Config1111111111111111111111111111111111111", "Config"),
    program(
        "Ed25519SigVerify111111111111111111111111111",
        "Ed25519 precompile",
    ),
    program(
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256k1 precompile",
    ),
    program(
        "Secp256r1SigVerify1111111111111111111111111",
        "Secp256r1 precompile",
    ),
    program(
        "NativeLoader1111111111111111111111111111111",
        "Native Loader",
    ),
    program("Stake11111111111111111111111111111111111111", "Stake"),
    program("Vote111111111111111111111111111111111111111", "Vote"),
    program(
        "ZkE1Gama1Proof11111111111111111111111111111",
        "ZK ElGamal Proof",
    ),
    // Solana Program Library.
    program(
        "regVYJW7tcT8zipN5YiBvHsvR5jXW1uLFxaHSbugABg",
        "ElGamal Registry",
    ),
    program("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "SPL Token"),
    program("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb", "Token-2022"),
    program(
        "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
        "Associated Token Account",
    ),
    program("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", "Memo v1"),
    program("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo"),
    program(
        "GovER5Lthms3bLBqWub97yVrMmEogzX7xNjdXpPPCVZw",
        "SPL Governance",
    ),
    program(
        "SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy",
        "SPL Stake Pool",
    ),
    program(
        "namesLPneVptA9Z5rqUDD9tMTWEJwofgaYwp8cawRkX",
        "Name Service",
    ),
    program(
        "cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK",
        "Account Compression",
    ),
    program("noopb9bkMVfRPU8AsbpTUg8AQkHtKwMYZiFUjNRtMmV", "Noop"),
    program(
        "ProgM6JCCvbYkfKqJYHePx4xxSUSqJp7rh8Lyv7nk7S",
        "Program Metadata",
    ),
    program(
        "verifycLy8mB96wd9wqq3WDXQwM4oU6r42Th37Db9fC",
        "Otter Verify",
    ),
    // Multisigs.
    program("SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf", "Squads v4"),
    program("SMPLecH534NA9acpos4G6x7uf3LWbCAwZQE9e8ZekMu", "Squads v3"),
    // Tokens' metadata.
    program(
        "metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s",
        "Metaplex Token Metadata",
    ),
    program(
        "CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d",
        "Metaplex Core",
    ),
    program(
        "BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY",
        "Metaplex Bubblegum",
    ),
    // Exchanges.
    program("9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin", "Serum v3"),
    program("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX", "OpenBook v1"),
    program("opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EohpZb", "OpenBook v2"),
    program(
        "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8",
        "Raydium AMM v4",
    ),
    program(
        "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK",
        "Raydium CLMM",
    ),
    program(
        "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C",
        "Raydium CPMM",
    ),
    program(
        "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc",
        "Orca Whirlpools",
    ),
    program(
        "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo",
        "Meteora DLMM",
    ),
    program("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4", "Jupiter v6"),
    // Lending, staking, derivatives.
    program("KLend2g3cP87fffoy8q1mQqGKjrxjC8boSyAYavgmjD", "Kamino Lend"),
    program("MFv2hWf31Z9kbCa1snEPYctwafyhdvnV7FZnsebVacA", "marginfi v2"),
    program("MarBmsSgKXdrN1egZf5sqe1TMai9K1rChYNDJgjq7aD", "Marinade"),
    program("dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH", "Drift v2"),
    // Oracles and bridges.
    program("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH", "Pyth v1"),
    program(
        "rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ",
        "Pyth receiver",
    ),
    program(
        "pythWSnswVUd12oZpeFP8e9CVaEqJg25g1Vtc2biRsT",
        "Pyth push oracle",
    ),
    program(
        "SW1TCH7qEPTdLsDHRgPuMQjbQxKdH2aBStViMFnt64f",
        "Switchboard v2",
    ),
    program(
        "SBondMDrcV3K4kxZR1HNVT7osZxAHVHgYXL5Ze1oMUv",
        "Switchboard On-Demand",
    ),
    program(
        "worm2ZoG2kUd4vFXhvjh93UUH596ayRfgQ2MgjNMTth",
        "Wormhole core bridge",
    ),
    program(
        "wormDTUJ6AWPNvk59vGQbDvGJmqbDTdgWgAqcLBCgUb",
        "Wormhole token bridge",
    ),
    // Read or compared, not called.
    account(
        "SysvarC1ock11111111111111111111111111111111",
        "sysvar Clock",
    ),
    account(
        "SysvarEpochSchedu1e111111111111111111111111",
        "sysvar EpochSchedule",
    ),
    account(
        "Sysvar1nstructions1111111111111111111111111",
        "sysvar Instructions",
    ),
    account(
        "SysvarRecentB1ockHashes11111111111111111111",
        "sysvar RecentBlockhashes",
    ),
    account("SysvarRent111111111111111111111111111111111", "sysvar Rent"),
    account(
        "SysvarS1otHashes111111111111111111111111111",
        "sysvar SlotHashes",
    ),
    account(
        "SysvarStakeHistory1111111111111111111111111",
        "sysvar StakeHistory",
    ),
    account("1nc1nerator11111111111111111111111111111111", "incinerator"),
    account(
        "So11111111111111111111111111111111111111112",
        "wrapped SOL mint",
    ),
    account("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "USDC mint"),
];
