// Deploys Portcullis, idempotently: what runs already is left alone, an interrupted deployment goes on, another build upgrades.
//
//   npm run deploy -- --program-id KEYPAIR [--url URL] [--keypair FILE] [--elf FILE] [--idl FILE]
//
// It follows Anchor's convention for migrations too: the exported function takes a provider, and the options come from the environment
// (PORTCULLIS_PROGRAM_KEYPAIR, PORTCULLIS_ELF, PORTCULLIS_IDL).

import { AnchorProvider, Idl, Program, Wallet, web3 } from "@anchor-lang/core";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Chain, DeployError, MISMATCH, NETWORK, note, REFUSED, USAGE } from "./chain";
import * as loader from "./loader";

/** Anchor's error for a call of a program at another address than that of its `declare_id!`. */
const DECLARED_PROGRAM_ID_MISMATCH = 4100;
/** Anchor's errors for accounts that are not what the instruction demands. */
const isAccountError = (code: number): boolean => code >= 3000 && code < 4000;

interface Options {
  /** Keypair file, or the address of a program that is there. */
  programId: string;
  elf: string;
  idl: string;
}

type Did = "nothing" | "deployed" | "upgraded" | "extended and upgraded";

async function deploy(provider: AnchorProvider, options: Options): Promise<void> {
  const chain = new Chain(provider);
  const elf = readFile(options.elf, "ELF");
  if (elf.length < 4 || elf.readUInt32BE(0) !== 0x7f454c46) {
    throw new DeployError(USAGE, `${options.elf} must be an ELF, and is none`, "build it: make program, or anchor build --verifiable");
  }
  const idl: Idl = JSON.parse(readFile(options.idl, "IDL").toString());
  const { address, keypair } = programId(options.programId);
  const wanted = loader.hash(elf);

  const did = await bringUp(chain, address, keypair, elf, wanted);
  const found = loader.hash((await programdata(chain, address))?.elf ?? Buffer.alloc(0));
  if (found !== wanted) {
    throw new DeployError(MISMATCH, `the deployed bytes must hash to ${wanted}, found ${found}`, "somebody else has the authority too, or the server lies");
  }
  console.log(`program   ${address.toBase58()}`);
  console.log(`deployed  ${wanted} (${elf.length} bytes)`);
  console.log(`did       ${did}`);
  await callIt(chain, idl, address);
}

/** Brings a program to the wanted bytes; says what was done. */
async function bringUp(
  chain: Chain,
  program: web3.PublicKey,
  keypair: web3.Keypair | null,
  elf: Buffer,
  wanted: string,
): Promise<Did> {
  const deployed = await programdata(chain, program);
  if (deployed === null) {
    if (keypair === null) {
      throw new DeployError(USAGE, `there is no program at ${program.toBase58()}`, "its first deployment needs its keypair file: --program-id FILE");
    }
    await firstDeployment(chain, keypair, elf);
    return "deployed";
  }
  if (loader.hash(deployed.elf) === wanted) return "nothing";
  if (deployed.authority === null) {
    throw new DeployError(REFUSED, `${program.toBase58()} is final: nobody can upgrade it`, "deploy another instance, with another program keypair");
  }
  if (!deployed.authority.equals(chain.payer)) {
    throw new DeployError(
      REFUSED,
      `the upgrade authority of ${program.toBase58()} is ${deployed.authority.toBase58()}, not ${chain.payer.toBase58()}`,
      "sign with that key; behind a gate: portcullis propose upgrade",
    );
  }
  const more = loader.extension(deployed.elf.length, elf.length);
  if (more === null) throw new DeployError(REFUSED, `an ELF of ${elf.length} bytes is larger than any account`, "build a smaller one");
  const buffer = await chain.upload(elf);
  if (more > 0) {
    note(`extending the program by ${more} bytes`);
    await chain.after(await chain.send("extend the program", [loader.extendProgram(program, chain.payer, more)]));
  }
  const upgrade = loader.upgrade(program, buffer, chain.payer, chain.payer);
  await chain.after(await chain.send("upgrade the program", [upgrade]));
  return more > 0 ? "extended and upgraded" : "upgraded";
}

async function firstDeployment(chain: Chain, keypair: web3.Keypair, elf: Buffer): Promise<void> {
  const buffer = await chain.upload(elf);
  const create = web3.SystemProgram.createAccount({
    fromPubkey: chain.payer,
    newAccountPubkey: keypair.publicKey,
    lamports: await chain.connection.getMinimumBalanceForRentExemption(loader.PROGRAM_LEN),
    space: loader.PROGRAM_LEN,
    programId: loader.LOADER,
  });
  const deploy = loader.deployWithMaxDataLen(chain.payer, keypair.publicKey, buffer, chain.payer, elf.length);
  await chain.after(await chain.send("deploy the program", [create, deploy], [keypair]));
}

/** What is deployed at an address; null where there is nothing. */
async function programdata(chain: Chain, program: web3.PublicKey): Promise<loader.Programdata | null> {
  const account = await chain.connection.getAccountInfo(program);
  if (account === null) return null;
  const data = await chain.connection.getAccountInfo(loader.programdataAddress(program));
  const found = data === null ? null : loader.decodeProgramdata(data.data);
  if (!account.owner.equals(loader.LOADER) || !loader.isProgram(account.data) || found === null) {
    throw new DeployError(REFUSED, `${program.toBase58()} must be a program of loader v3 or nothing, and is neither`, "give another --program-id");
  }
  return found;
}

/** Shows that client, IDL and program fit: reads the councils, and has a call simulated, which the program must answer by its own rules. */
async function callIt(chain: Chain, idl: Idl, address: web3.PublicKey): Promise<void> {
  const program = new Program({ ...idl, address: address.toBase58() }, chain.provider);
  const councils = await accounts(program, "council");
  const gates = await accounts(program, "gate");
  console.log(`holds     ${councils} councils, ${gates} gates`);
  const seal = program.methods["sealCouncil"];
  if (seal === undefined) throw new DeployError(MISMATCH, "the IDL must have seal_council, and has not", "give Portcullis's own with --idl");
  // Of a council that does not exist.
  const nobody = web3.Keypair.generate().publicKey;
  const instruction = await seal().accounts({ createKey: nobody, council: nobody }).instruction();
  const message = new web3.TransactionMessage({
    payerKey: chain.payer,
    recentBlockhash: (await chain.connection.getLatestBlockhash()).blockhash,
    instructions: [instruction],
  });
  const transaction = new web3.VersionedTransaction(message.compileToV0Message());
  const { value } = await chain.connection.simulateTransaction(transaction, { sigVerify: false });
  const code = customCode(value.err);
  if (code === DECLARED_PROGRAM_ID_MISMATCH) {
    note(`warning: it runs, but refuses every call: it was built for another address than ${address.toBase58()} (DeclaredProgramIdMismatch)`);
    note("hint: an instance of your own is built with its own address: anchor keys sync, then build");
    return;
  }
  if (code === null || !isAccountError(code)) {
    throw new DeployError(MISMATCH, `the program must refuse to seal a council that is not there, found ${JSON.stringify(value.err)}`, "the ELF is not Portcullis's");
  }
  console.log(`answers   to calls (refused a senseless one with error ${code})`);
}

async function accounts(program: Program<Idl>, name: string): Promise<number> {
  const client = (program.account as Record<string, { all(): Promise<unknown[]> } | undefined>)[name];
  if (client === undefined) throw new DeployError(MISMATCH, `the IDL must have the account ${name}, and has not`, "give Portcullis's own with --idl");
  return (await client.all()).length;
}

/** The program's own error code in a transaction's error. */
function customCode(error: unknown): number | null {
  const failed = (error as { InstructionError?: [number, { Custom?: number }] } | null)?.InstructionError;
  return failed?.[1]?.Custom ?? null;
}

function readFile(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new DeployError(USAGE, `the ${what} ${path} cannot be read: ${(error as Error).message}`, "check the path");
  }
}

/** Never quotes a file's content. */
function keypairFile(path: string, what: string): web3.Keypair {
  const text = readFile(path, what).toString();
  try {
    return web3.Keypair.fromSecretKey(Uint8Array.from(JSON.parse(text)));
  } catch {
    throw new DeployError(USAGE, `the ${what} ${path} must be a JSON array of 64 numbers, and is not`, "give a keypair file");
  }
}

function programId(source: string): { address: web3.PublicKey; keypair: web3.Keypair | null } {
  if (!existsSync(source)) {
    try {
      return { address: new web3.PublicKey(source), keypair: null };
    } catch {
      throw new DeployError(USAGE, `--program-id must be a keypair file or an address, found ${source}`, "make a key: portcullis localnet --fund NAME.json does");
    }
  }
  const keypair = keypairFile(source, "program keypair");
  return { address: keypair.publicKey, keypair };
}

/** A path in the repository, whether this runs as TypeScript or from `build`. */
function root(path: string): string {
  let folder = __dirname;
  while (!existsSync(join(folder, "Anchor.toml")) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, path);
}

function defaults(): Options {
  return {
    programId: process.env["PORTCULLIS_PROGRAM_KEYPAIR"] ?? root("target/deploy/portcullis-keypair.json"),
    elf: process.env["PORTCULLIS_ELF"] ?? root("artifacts/portcullis.so"),
    idl: process.env["PORTCULLIS_IDL"] ?? root("artifacts/portcullis.json"),
  };
}

async function main(): Promise<void> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        url: { type: "string", short: "u", default: process.env["ANCHOR_PROVIDER_URL"] ?? "http://127.0.0.1:8899" },
        keypair: { type: "string", short: "k", default: process.env["ANCHOR_WALLET"] ?? join(homedir(), ".config/solana/id.json") },
        "program-id": { type: "string" },
        elf: { type: "string" },
        idl: { type: "string" },
      },
    }));
  } catch (error) {
    throw new DeployError(USAGE, (error as Error).message, "npm run deploy -- --program-id KEYPAIR [--url URL] [--keypair FILE] [--elf FILE] [--idl FILE]");
  }
  const wallet = new Wallet(keypairFile(values.keypair, "keypair"));
  let connection;
  try {
    connection = new web3.Connection(values.url, "confirmed");
  } catch {
    throw new DeployError(USAGE, "--url must be the URL of an RPC server", "for instance http://127.0.0.1:8899");
  }
  const given = defaults();
  await deploy(new AnchorProvider(connection, wallet, { commitment: "confirmed" }), {
    programId: values["program-id"] ?? given.programId,
    elf: values.elf ?? given.elf,
    idl: values.idl ?? given.idl,
  });
}

/** Anchor's convention. */
module.exports = async function migrate(provider: AnchorProvider): Promise<void> {
  await deploy(provider, defaults());
};

if (require.main === module) {
  main().catch((error: unknown) => {
    // A server's URL may hold a key, so what a request failed with is not quoted.
    const failure =
      error instanceof DeployError ? error : new DeployError(NETWORK, "the RPC server did not answer properly", "check --url, then run it again: it goes on");
    note(`error: ${failure.message}`);
    note(`hint: ${failure.hint}`);
    process.exitCode = failure.exitCode;
  });
}
