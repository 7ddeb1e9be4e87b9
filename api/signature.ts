/** Whether a request was signed by who holds the secret key, and whether it is still meant. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { textToSign } from '../model/api-signature.ts';
import type { Given } from './request.ts';

/** What clients leave bare or encode, each as it thinks right: Java `*`, Python and Go `~`, JavaScript all of these. */
const DISPUTED = ['*', '~', "!'()"] as const;
const SIGNATURE_BYTES = 20;

const escape = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** How a client may have encoded a value: one function for each choice of characters that it left bare. */
const ENCODERS = Array.from({ length: 2 ** DISPUTED.length }, (_, choice) => {
  const encoded = DISPUTED.filter((_characters, index) => (choice & (1 << index)) === 0).join('');
  const pattern = encoded === '' ? /(?!)/g : new RegExp(`[${encoded.replace(/[()*]/g, '\\$&')}]`, 'g');
  return (value: string): string => encodeURIComponent(value).replace(pattern, escape);
});

/** Compares in constant time, with every encoding that clients use. */
export function isSignedWith(secretKey: string, { entries, get }: Given): boolean {
  // A client that does not encode its Base64 has its plus signs turned into spaces on the way.
  const signature = Buffer.from((get('signature') ?? '').replaceAll(' ', '+'), 'base64');
  const texts = new Set(ENCODERS.map((encode) => textToSign(entries, encode)));
  const given = signature.length === SIGNATURE_BYTES ? signature : Buffer.alloc(SIGNATURE_BYTES);
  let matches = 0;
  for (const text of texts) {
    matches += Number(timingSafeEqual(createHmac('sha1', secretKey).update(text).digest(), given));
  }
  return matches > 0 && given === signature;
}

const EXPIRES = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)$/i;

/** With signature version 3 a request says until when it is meant; with any other, `expires` means nothing. */
export function isInTime({ get }: Given, now: Date): boolean {
  if (get('signatureVersion') !== '3') return true;
  const [, time = '', zone = ''] = EXPIRES.exec(get('expires') ?? '') ?? [];
  const expires = Date.parse(time.toUpperCase() + zone.toUpperCase().replace(/^(...)(\d\d)$/, '$1:$2'));
  return expires >= now.getTime();
}
