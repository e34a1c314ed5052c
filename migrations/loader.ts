// Loader v3 (BPFLoaderUpgradeab1e11111111111111111111111): its instructions and account states, as
// `solana-loader-v3-interface` defines them. web3.js has none of them.

import { web3 } from "@anchor-lang/core";
import { createHash } from "node:crypto";

const { PublicKey, SystemProgram, TransactionInstruction, SYSVAR_CLOCK_PUBKEY, SYSVAR_RENT_PUBKEY } = web3;
type PublicKey = web3.PublicKey;
type AccountMeta = web3.AccountMeta;

export const LOADER = new PublicKey("BPFLoaderUpgradeab1e11111111111111111111111");
export const PROGRAM_LEN = 36;
export const BUFFER_HEADER = 37;
const PROGRAMDATA_HEADER = 45;
const MAX_ACCOUNT_LEN = 10 * 1024 * 1024;
/** The loader extends by so much at least. */
const MINIMUM_EXTENSION = 10_240;

/** Without trailing zeros, which the loader pads with. */
function content(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}

/** The SHA-256 that `solana-verify` and `portcullis verify` print. */
export function hash(bytes: Buffer): string {
  return createHash("sha256").update(content(bytes)).digest("hex");
}

export interface Programdata {
  /** Null: final. */
  authority: PublicKey | null;
  /** Everything behind the header, with its zeros. */
  elf: Buffer;
}

export function programdataAddress(program: PublicKey): PublicKey {
  return PublicKey.findProgramAddressSync([program.toBuffer()], LOADER)[0];
}

export function isProgram(data: Buffer): boolean {
  return data.length >= PROGRAM_LEN && data.readUInt32LE(0) === 2;
}

export function decodeProgramdata(data: Buffer): Programdata | null {
  if (data.length < PROGRAMDATA_HEADER || data.readUInt32LE(0) !== 3) return null;
  const authority = data[12] === 1 ? new PublicKey(data.subarray(13, 45)) : null;
  return { authority, elf: data.subarray(PROGRAMDATA_HEADER) };
}

/** The bytes that a buffer holds for its authority; null where it is no buffer of this authority. */
export function decodeBuffer(data: Buffer, authority: PublicKey): Buffer | null {
  if (data.length < BUFFER_HEADER || data.readUInt32LE(0) !== 1 || data[4] !== 1) return null;
  return new PublicKey(data.subarray(5, 37)).equals(authority) ? data.subarray(BUFFER_HEADER) : null;
}

/** By how many bytes the program's account must grow; null where it cannot. */
export function extension(room: number, needed: number): number | null {
  if (needed <= room) return 0;
  const most = MAX_ACCOUNT_LEN - PROGRAMDATA_HEADER - room;
  return needed - room > most ? null : Math.min(Math.max(needed - room, MINIMUM_EXTENSION), most);
}

const signs = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: true, isWritable: false });
const pays = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: true, isWritable: true });
const written = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: false, isWritable: true });
const read = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: false, isWritable: false });

function instruction(tag: number, keys: AccountMeta[], rest: Buffer = Buffer.alloc(0)): web3.TransactionInstruction {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(tag);
  return new TransactionInstruction({ programId: LOADER, keys, data: Buffer.concat([head, rest]) });
}

export function initializeBuffer(buffer: PublicKey, authority: PublicKey): web3.TransactionInstruction {
  return instruction(0, [written(buffer), read(authority)]);
}

export function write(buffer: PublicKey, authority: PublicKey, offset: number, bytes: Buffer): web3.TransactionInstruction {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(offset, 0);
  head.writeBigUInt64LE(BigInt(bytes.length), 4);
  return instruction(1, [written(buffer), signs(authority)], Buffer.concat([head, bytes]));
}

export function deployWithMaxDataLen(
  payer: PublicKey,
  program: PublicKey,
  buffer: PublicKey,
  authority: PublicKey,
  maxDataLen: number,
): web3.TransactionInstruction {
  const rest = Buffer.alloc(8);
  rest.writeBigUInt64LE(BigInt(maxDataLen));
  return instruction(
    2,
    [
      pays(payer),
      written(programdataAddress(program)),
      written(program),
      written(buffer),
      read(SYSVAR_RENT_PUBKEY),
      read(SYSVAR_CLOCK_PUBKEY),
      read(SystemProgram.programId),
      signs(authority),
    ],
    rest,
  );
}

export function upgrade(
  program: PublicKey,
  buffer: PublicKey,
  spill: PublicKey,
  authority: PublicKey,
): web3.TransactionInstruction {
  return instruction(3, [
    written(programdataAddress(program)),
    written(program),
    written(buffer),
    written(spill),
    read(SYSVAR_RENT_PUBKEY),
    read(SYSVAR_CLOCK_PUBKEY),
    signs(authority),
  ]);
}

export function extendProgram(program: PublicKey, payer: PublicKey, bytes: number): web3.TransactionInstruction {
  const rest = Buffer.alloc(4);
  rest.writeUInt32LE(bytes);
  return instruction(
    6,
    [written(programdataAddress(program)), written(program), read(SystemProgram.programId), pays(payer)],
    rest,
  );
}
