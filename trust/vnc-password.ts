/** Passwords of consoles by VNC. */
import { randomInt } from 'node:crypto';

/** VNC compares no more characters. */
const LENGTH = 8;
/** Without those that look alike. */
const CHARACTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A random one, of about 46 bits. */
export const newVncPassword = (): string =>
  Array.from({ length: LENGTH }, () => CHARACTERS[randomInt(CHARACTERS.length)]).join('');
