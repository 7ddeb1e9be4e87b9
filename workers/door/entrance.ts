/**
 * How many connections the door holds open. Those that have not shown a certificate yet (strangers) are few for each address, so
 * that one address cannot keep others out, and few in all. Those of a host are few as well.
 */
import type { Socket } from 'node:net';

export interface EntranceLimits {
  readonly strangersOfAddress: number;
  readonly strangers: number;
  readonly connectionsOfHost: number;
}

export interface Entrance {
  /** A connection has come. @returns false when there are too many */
  takeStranger(socket: Socket): boolean;
  /** The connection has shown the certificate of a host. @returns false when the host has too many */
  takeHost(socket: Socket, hostId: string): boolean;
}

export function createEntrance(limits: EntranceLimits): Entrance {
  const ofAddress = new Counts();
  const ofHost = new Counts();
  /** By both ends of the connection, since TLS has a socket of its own. */
  const strangers = new Map<string, () => void>();
  return {
    takeStranger(socket) {
      const { remoteAddress: address } = socket;
      if (address === undefined || strangers.size >= limits.strangers) return false;
      if (!ofAddress.take(address, limits.strangersOfAddress)) return false;
      const key = keyOf(socket);
      const leave = (): void => {
        if (strangers.delete(key)) ofAddress.release(address);
      };
      strangers.set(key, leave);
      socket.once('close', leave);
      return true;
    },
    takeHost(socket, hostId) {
      strangers.get(keyOf(socket))?.();
      if (!ofHost.take(hostId, limits.connectionsOfHost)) return false;
      socket.once('close', () => ofHost.release(hostId));
      return true;
    },
  };
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

class Counts {
  readonly #counts = new Map<string, number>();

  take(key: string, most: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= most) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  release(key: string): void {
    const count = (this.#counts.get(key) ?? 1) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
