/**
 * SHA-256 of a stream (FIPS 180-4), for Node and browsers. It checks snapshots, and keeps no secret.
 *
 * The Web Cryptography API hashes whole texts alone: a snapshot would have to be in memory.
 */

const BLOCK = 64;
/** Where the length begins in the last block. */
const LENGTH = 56;
const BEGINNING = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const ROUNDS = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

export class Sha256 {
  #state = Int32Array.from(BEGINNING);
  #block = new Uint8Array(BLOCK);
  #words = new Int32Array(BLOCK);
  #bytes = 0;

  /** Hash more bytes. */
  update(bytes) {
    const used = this.#bytes % BLOCK;
    const first = Math.min(bytes.length, (BLOCK - used) % BLOCK);
    this.#block.set(bytes.subarray(0, first), used);
    if (first > 0 && used + first === BLOCK) {
      this.#mix(this.#block, 0);
    }
    let start = first;
    for (; bytes.length - start >= BLOCK; start += BLOCK) {
      this.#mix(bytes, start);
    }
    this.#block.set(bytes.subarray(start), first === bytes.length ? used + first : 0);
    this.#bytes += bytes.length;
  }

  /** The digest in hex. Nothing can be hashed behind it. */
  finish() {
    const bits = this.#bytes * 8;
    this.update(Uint8Array.of(0x80));
    this.update(new Uint8Array((BLOCK + LENGTH - (this.#bytes % BLOCK)) % BLOCK));
    const length = new DataView(new ArrayBuffer(8));
    length.setUint32(0, Math.floor(bits / 2 ** 32));
    length.setUint32(4, bits % 2 ** 32);
    this.update(new Uint8Array(length.buffer));
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Mix a block into the state. */
  #mix(bytes, start) {
    const words = this.#words;
    for (let index = 0, place = start; index < 16; index++, place += 4) {
      words[index] = (bytes[place] << 24) | (bytes[place + 1] << 16) | (bytes[place + 2] << 8) | bytes[place + 3];
    }
    for (let index = 16; index < BLOCK; index++) {
      const early = words[index - 15];
      const late = words[index - 2];
      const small = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      const large = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      words[index] = (words[index - 16] + small + words[index - 7] + large) | 0;
    }
    const state = this.#state;
    let [a, b, c, d, e, f, g, h] = state;
    for (let index = 0; index < BLOCK; index++) {
      const choice = (e & f) ^ (~e & g);
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + ROUNDS[index] + words[index]) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

function turn(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}
