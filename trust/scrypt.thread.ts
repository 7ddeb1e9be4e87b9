/** The thread that derives keys from passwords with scrypt. It answers tasks in their order. */
import { scryptSync } from 'node:crypto';
import type { ScryptOptions } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

export interface ScryptTask {
  readonly password: string;
  readonly salt: Uint8Array;
  /** Bytes of the key. */
  readonly length: number;
  readonly options: ScryptOptions;
}

export type ScryptAnswer = { readonly key: Uint8Array } | { readonly error: string };

const send = (answer: ScryptAnswer): void => parentPort?.postMessage(answer);

parentPort?.on('message', ({ password, salt, length, options }: ScryptTask) => {
  try {
    send({ key: scryptSync(password, salt, length, options) });
  } catch (error) {
    send({ error: String(error) });
  }
});
