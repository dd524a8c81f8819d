/**
 * The spool's folder: a file for each event. Its name says all that a publisher has to know of it:
 *
 *     000000000017-1795932000-312-9f86d081884c7d65-5c2f1e0a.json
 *     number       stored     bytes hash of the key  random
 *
 * A file that ends with `.refused` holds the reasons in a second line. Files are written beside, flushed and renamed, so
 * that no kill leaves half an event. Several processes may use the folder at once.
 */

import { createHash, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

import { SpoolError, SpoolFull } from "./errors.js";

const NAME = /^(\d{12})-(\d+)-(\d+)-([0-9a-f]{16})-[0-9a-f]{8}\.(json|refused)$/;
/** Bytes: what a small file takes of the disk. */
const BLOCK = 4096;
/** The system's codes for a write that the disk did not take. */
const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];
/** Milliseconds after which a file that is still being written was left by a kill. */
const ABANDONED = 3600_000;

export class Store {
  #folder;
  #maxBytes;
  #maxAge;
  #last = Promise.resolve();

  constructor(folder, maxBytes, maxAge) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#maxAge = maxAge;
    try {
      // The events may hold personal data: nobody else on this machine reads them.
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw translate(error);
    }
  }

  /** Keep an event. Events of one process stay in the order of the calls. */
  add(key, text) {
    const added = this.#last.then(() => this.#add(createHash("sha256").update(key).digest("hex").slice(0, 16), text));
    this.#last = added.catch(() => {});
    return added;
  }

  async #add(key, text) {
    const files = await this.#list();
    const [now, bytes] = [Math.floor(Date.now() / 1000), Buffer.byteLength(text)];
    const used = [...files.map((file) => file.bytes), bytes].reduce((sum, one) => sum + Math.ceil(one / BLOCK) * BLOCK, 0);
    if (used > this.#maxBytes) {
      throw new SpoolFull(`The spool has its ${this.#maxBytes} bytes. Send or drop events first.`);
    }
    const [oldest] = findFree(files);
    if (oldest && now - oldest.stored >= this.#maxAge) {
      throw new SpoolFull(`An event has waited for ${this.#maxAge} seconds. Send events first.`);
    }
    await this.#write(makeName((files.at(-1)?.number ?? 0) + 1, now, bytes, key), text);
  }

  /** The next events to send, at least one if there are any. */
  async readBatch(most, mostBytes) {
    const batch = [];
    let size = 0;
    for (const file of findFree(await this.#list()).slice(0, most)) {
      size += file.bytes;
      if (batch.length > 0 && size > mostBytes) {
        break;
      }
      const stored = await this.#read(file);
      // Null: another process has sent it meanwhile.
      stored && batch.push(stored);
    }
    return batch;
  }

  /** Forget events that the bus has. A mended event has another name and stays. */
  async remove(events) {
    for (const { name } of events) {
      await this.#try(unlink(join(this.#folder, name)));
    }
    await this.#flush();
  }

  /** Note that the bus refuses an event. It holds up later events of its key. */
  async setAside({ name, text }, reasons) {
    const refused = name.replace(/json$/, "refused");
    // Renamed first: nobody may make an event come back that another process has settled.
    if (await this.#try(rename(join(this.#folder, name), join(this.#folder, refused)))) {
      await this.#write(refused, `${text}\n${JSON.stringify(reasons)}`);
    }
  }

  async listRefused() {
    const refused = await this.#readRefused();
    return refused.map(({ number, text, reasons }) => ({ number, event: JSON.parse(text), reasons }));
  }

  async readRefused(number) {
    const found = (await this.#readRefused()).find((one) => one.number === number);
    if (!found) {
      throw refuseNumber(number);
    }
    return found;
  }

  /** Put a mended event in the place of a refused one, so that it is sent next of its key. */
  async replace({ name, number, stored, key }, text) {
    const mended = makeName(number, stored, Buffer.byteLength(text), key);
    const claimed = mended.replace(/json$/, "refused");
    // Renamed first: nobody may make an event come back that another process has dropped or mended.
    if (!(await this.#try(rename(join(this.#folder, name), join(this.#folder, claimed))))) {
      throw refuseNumber(number);
    }
    await this.#write(claimed, text);
    await this.#try(rename(join(this.#folder, claimed), join(this.#folder, mended)));
    await this.#flush();
  }

  async drop(number) {
    const { name } = await this.readRefused(number);
    if (!(await this.#try(unlink(join(this.#folder, name))))) {
      throw refuseNumber(number);
    }
    await this.#flush();
  }

  /** Remove half files that kills left behind. */
  async removeAbandoned() {
    const names = await readdir(this.#folder).catch(raise);
    for (const path of names.filter((name) => name.endsWith(".tmp")).map((name) => join(this.#folder, name))) {
      const found = await stat(path).catch(() => null);
      if (found && Date.now() - found.mtimeMs > ABANDONED) {
        await unlink(path).catch(() => {});
      }
    }
  }

  async countWaiting() {
    return (await this.#list()).filter((file) => !file.isRefused).length;
  }

  async #readRefused() {
    const files = (await this.#list()).filter((file) => file.isRefused);
    return (await Promise.all(files.map((file) => this.#read(file)))).filter(Boolean);
  }

  async #list() {
    const names = await readdir(this.#folder).catch(raise);
    return names.sort().map(parseName).filter(Boolean);
  }

  /** A file with its event; null if it is gone. */
  async #read(file) {
    const content = await this.#try(readFile(join(this.#folder, file.name), "utf8"));
    if (!content) {
      return null;
    }
    const [text, reasons = "[]"] = content.split("\n");
    return { ...file, text, reasons: JSON.parse(reasons) };
  }

  async #write(name, content) {
    const target = join(this.#folder, name);
    const beside = `${target}.${randomBytes(4).toString("hex")}.tmp`;
    try {
      const file = await open(beside, "wx", 0o600);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, target);
      await this.#flush();
    } catch (error) {
      await unlink(beside).catch(() => {});
      throw translate(error);
    }
  }

  /** Bring the folder's names to the disk. Windows does it by itself, and does not open folders. */
  async #flush() {
    if (process.platform !== "win32") {
      const folder = await open(this.#folder).catch(raise);
      await folder.sync().finally(() => folder.close());
    }
  }

  /** The result of an operation, or true if it has none; null if the file is gone. */
  async #try(operation) {
    try {
      return (await operation) ?? true;
    } catch (error) {
      if (error.code === "ENOENT") {
        return null;
      }
      throw translate(error);
    }
  }
}

/** The waiting events that no earlier refused event of their key holds up. `files` are in their order. */
function findFree(files) {
  const held = new Set();
  return files.filter((file) => {
    file.isRefused && held.add(file.key);
    return !held.has(file.key);
  });
}

function refuseNumber(number) {
  return new SpoolError(`The spool has no refused event ${number}.`);
}

function makeName(number, stored, bytes, key) {
  return `${String(number).padStart(12, "0")}-${stored}-${bytes}-${key}-${randomBytes(4).toString("hex")}.json`;
}

function parseName(name) {
  const [, number, stored, bytes, key, state] = NAME.exec(name) ?? [];
  return number && { name, number: Number(number), stored: Number(stored), bytes: Number(bytes), key, isRefused: state === "refused" };
}

function translate(error) {
  return FULL.includes(error.code)
    ? new SpoolFull("The disk takes no more. Make room; nothing of the spool is lost.")
    : new SpoolError(`The spool's folder cannot be used: ${error.message}`);
}

function raise(error) {
  throw translate(error);
}
