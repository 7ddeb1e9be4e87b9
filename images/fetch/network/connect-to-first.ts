/**
 * Connects to a name with several addresses as RFC 8305 ("Happy Eyeballs") describes: attempts overlap, each has the whole
 * limit for connecting, the first accepted connection wins, and the others are closed before a byte is sent.
 */
import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';
import { ImageError } from '../../../model/failures.ts';
import { waitForSocket } from './socket-event.ts';

/** Milliseconds after which the next address is tried while the one before is still connecting (RFC 8305 section 8). */
const DELAY_MS = 250;

export interface AttemptOptions {
  /** Milliseconds for each attempt. */
  readonly ms: number;
  readonly signal: AbortSignal;
  /** The error of an attempt that took longer than `ms`. */
  readonly late: () => Error;
}

/**
 * @param connect begins to connect to one address
 * @throws the most informative of the attempts' errors; the signal's reason when aborted
 */
export function connectToFirst<T extends Socket>(
  addresses: readonly LookupAddress[],
  connect: (address: LookupAddress) => T,
  { ms, signal, late }: AttemptOptions,
): Promise<T> {
  const waiting = alternating(addresses);
  const underWay = new Set<T>();
  const failures: Error[] = [];
  let timer: NodeJS.Timeout | undefined;
  const endOthers = (): void => {
    clearTimeout(timer);
    waiting.length = 0;
    for (const socket of underWay) socket.destroy();
  };
  return new Promise((resolve, reject) => {
    const attempt = (address: LookupAddress): void => {
      const socket = connect(address);
      underWay.add(socket);
      socket.once('connect', () => {
        underWay.delete(socket);
        endOthers();
      });
      waitForSocket(socket, 'connect', ms, signal, late).then(
        () => resolve(socket),
        (error: Error) => {
          underWay.delete(socket);
          failures.push(error);
          next();
        },
      );
    };
    const next = (): void => {
      clearTimeout(timer);
      if (signal.aborted) waiting.length = 0;
      const address = waiting.shift();
      if (address !== undefined) attempt(address);
      else if (underWay.size === 0)
        reject(signal.aborted ? (signal.reason as Error) : mostInformative(failures));
      if (waiting.length > 0) timer = setTimeout(next, DELAY_MS);
    };
    next();
  });
}

/** Address families take turns, beginning with the family of the first address (RFC 8305 section 4). */
function alternating(addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, at) => [first[at], second[at]].filter((one) => one !== undefined)).flat();
}

/** Codes that only say that this host has no route for one address family. */
const NO_ROUTE = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

function mostInformative(failures: readonly Error[]): Error {
  const others = failures.filter(({ code }: NodeJS.ErrnoException) => !NO_ROUTE.has(code ?? ''));
  const limit = failures.find((error) => error instanceof ImageError);
  return (
    limit ?? others[0] ?? failures[0] ?? new ImageError('Unreachable', 'has a host name without an address')
  );
}
