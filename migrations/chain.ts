// Sending and reading, over HTTP alone: no WebSocket is needed.

import { AnchorProvider, web3 } from "@anchor-lang/core";
import { createHash } from "node:crypto";
import * as loader from "./loader";

/** A failure as the user sees it. The exit codes are those of the `portcullis` command line. */
export class DeployError extends Error {
  constructor(
    readonly exitCode: number,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

export const USAGE = 2;
export const REFUSED = 3;
export const MISMATCH = 4;
export const NETWORK = 6;

/** Bytes of a write: what a transaction of 1,232 bytes has room for beside one signature, three keys and the rest. */
const CHUNK = 1_000;
/** Writes that are under way together. */
const AT_ONCE = 32;
const POLL_MS = 250;
/** Passes over what is missing without any progress. */
const PATIENCE = 5;

export const note = (text: string): void => void process.stderr.write(`${text}\n`);
const pause = (): Promise<void> => new Promise((done) => setTimeout(done, POLL_MS));

export class Chain {
  constructor(readonly provider: AnchorProvider) {}

  get payer(): web3.PublicKey {
    return this.provider.publicKey;
  }

  get connection(): web3.Connection {
    return this.provider.connection;
  }

  /** Sends a transaction; gives the slot in which it was confirmed. */
  async send(label: string, instructions: web3.TransactionInstruction[], signers: web3.Signer[] = []): Promise<number> {
    const [slot] = await this.sendAll(label, [instructions], signers);
    if (slot == null) throw new DeployError(NETWORK, `${label}: the transaction was not confirmed in time`, "run it again: it goes on");
    return slot;
  }

  /** Sends transactions together; gives the slots of those that were confirmed, null for the others. */
  private async sendAll(
    label: string,
    batch: web3.TransactionInstruction[][],
    signers: web3.Signer[] = [],
  ): Promise<(number | null)[]> {
    const latest = await this.connection.getLatestBlockhash();
    const transactions = batch.map((instructions) => {
      const transaction = new web3.Transaction({ feePayer: this.payer, ...latest }).add(...instructions);
      if (signers.length > 0) transaction.partialSign(...signers);
      return transaction;
    });
    const signed = await this.provider.wallet.signAllTransactions(transactions);
    const signatures = await Promise.all(
      signed.map((transaction) =>
        this.connection.sendRawTransaction(transaction.serialize(), { preflightCommitment: "confirmed" }).catch((error) => {
          throw refusal(label, error);
        }),
      ),
    );
    for (;;) {
      const { value: states } = await this.connection.getSignatureStatuses(signatures);
      const failed = states.find((state) => state?.err);
      if (failed) throw new DeployError(REFUSED, `${label}: ${JSON.stringify(failed.err)}`, "run it again: it goes on");
      const settled = states.map((state) =>
        state?.confirmationStatus === "confirmed" || state?.confirmationStatus === "finalized" ? state.slot : null,
      );
      if (settled.every((slot) => slot !== null)) return settled;
      if ((await this.connection.getBlockHeight("confirmed")) > latest.lastValidBlockHeight) return settled;
      await pause();
    }
  }

  /** Waits until a slot is over: the loader takes no upgrade in the slot of an extension, and new code runs in the next one. */
  async after(slot: number): Promise<void> {
    while ((await this.connection.getSlot("confirmed")) <= slot) await pause();
  }

  /**
   * Writes an ELF into a buffer of the payer's. Its address follows from payer and bytes, so another run finds what an interrupted one
   * has written.
   */
  async upload(elf: Buffer): Promise<web3.PublicKey> {
    // Trailing zeros count here: the loader wants the whole ELF.
    const seed = createHash("sha256").update(elf).digest("hex").slice(0, 32);
    const buffer = await web3.PublicKey.createWithSeed(this.payer, seed, loader.LOADER);
    if ((await this.connection.getAccountInfo(buffer)) === null) {
      const space = loader.BUFFER_HEADER + elf.length;
      const lamports = await this.connection.getMinimumBalanceForRentExemption(space);
      const create = web3.SystemProgram.createAccountWithSeed({
        fromPubkey: this.payer,
        basePubkey: this.payer,
        newAccountPubkey: buffer,
        seed,
        lamports,
        space,
        programId: loader.LOADER,
      });
      await this.send("create the buffer", [create, loader.initializeBuffer(buffer, this.payer)]);
    }
    let missing = await this.missing(buffer, elf);
    const total = Math.ceil(elf.length / CHUNK);
    note(`buffer ${buffer.toBase58()}: ${total - missing.length} of ${total} chunks are there`);
    for (let idle = 0; missing.length > 0; ) {
      for (let from = 0; from < missing.length; from += AT_ONCE) {
        const batch = missing
          .slice(from, from + AT_ONCE)
          .map((offset) => [loader.write(buffer, this.payer, offset, elf.subarray(offset, offset + CHUNK))]);
        await this.sendAll("write the buffer", batch);
        note(`written ${Math.min(from + AT_ONCE, missing.length)} of ${missing.length}`);
      }
      // What the account holds decides, not confirmations.
      const left = await this.missing(buffer, elf);
      idle = left.length < missing.length ? 0 : idle + 1;
      if (idle === PATIENCE) throw new DeployError(NETWORK, `${left.length} writes never arrived`, "run it again: it goes on");
      missing = left;
    }
    return buffer;
  }

  /** The offsets of the chunks that a buffer lacks. */
  private async missing(buffer: web3.PublicKey, elf: Buffer): Promise<number[]> {
    const account = await this.connection.getAccountInfo(buffer);
    const found = account?.owner.equals(loader.LOADER) ? loader.decodeBuffer(account.data, this.payer) : null;
    if (found === null || found.length !== elf.length) {
      throw new DeployError(
        REFUSED,
        `${buffer.toBase58()} must be a buffer of ${this.payer.toBase58()} with ${elf.length} bytes, and is not`,
        "its authority was given away: take it back, or deploy with another key",
      );
    }
    const offsets = Array.from({ length: Math.ceil(elf.length / CHUNK) }, (_, index) => index * CHUNK);
    return offsets.filter((offset) => !found.subarray(offset, offset + CHUNK).equals(elf.subarray(offset, offset + CHUNK)));
  }
}

/** What stands against a transaction. What a request failed with may quote the URL, and that may hold a key. */
function refusal(label: string, error: unknown): DeployError {
  if (error instanceof web3.SendTransactionError) {
    return new DeployError(REFUSED, `${label}: ${error.transactionError.message}`, "see what the logs say, or give the payer SOL; then run it again: it goes on");
  }
  return new DeployError(NETWORK, `${label}: the RPC server did not take the transaction`, "run it again: it goes on");
}
