/** Verifies that the holder of the secret key signed a request, and that the request has not expired. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { textToSign } from '../../model/api-signature.ts';
import type { SentParameters } from './request.ts';

/** Characters that some clients encode and others do not: Java leaves `*` bare, Python and Go `~`, JavaScript all of these. */
const DISPUTED = ['*', '~', "!'()"] as const;
const NEVER_ENCODED = ['*', '~', '!', "'", '(', ')'] as const;
/** csclient and libcloud leave brackets bare, in names too, while they encode the rest of a name. libcloud sorts names in lower case. */
const BRACKETS = '[]';
const SIGNATURE_BYTES = 20;
/** Longest request, in characters, for which rare encodings are tried: each costs an HMAC over the whole request. */
const MAX_TRIED = 4096;

const escape = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** An encoder that leaves the characters of `bare` as they are, and encodes the others that `encodeURIComponent` leaves. */
function encoderOf(bare: string): (value: string) => string {
  const encoded = NEVER_ENCODED.filter((character) => !bare.includes(character));
  const withBrackets = bare.includes(BRACKETS);
  return (value) => {
    const text = encoded.reduce(
      (done, character) => done.replaceAll(character, escape(character)),
      encodeURIComponent(value),
    );
    return withBrackets ? text.replaceAll('%5B', '[').replaceAll('%5D', ']') : text;
  };
}

/** Every text that a client may have signed, the usual ones first; mostly there is one. */
function* textsOf(entries: SentParameters['entries']): Generator<string> {
  const all = entries.flat().join('');
  const [usual, brackets] = [[...DISPUTED], BRACKETS].map((characters) =>
    [characters].flat().filter((group) => group.split('').some((character) => all.includes(character))),
  ) as [string[], string[]];
  for (const bare of choicesOf(usual)) yield textToSign(entries, { encode: encoderOf(bare) });
  if (all.length > MAX_TRIED) return;
  const names = entries.map(([name]) => name);
  const encodesNames = names.some((name) => encodeURIComponent(name) !== name) ? [false, true] : [false];
  const sortsInLowerCase = names.some((name) => name.toLowerCase() !== name) ? [false, true] : [false];
  for (const bare of choicesOf([...usual, ...brackets])) {
    const encode = encoderOf(bare);
    for (const inNames of encodesNames) {
      for (const lower of sortsInLowerCase) {
        yield textToSign(entries, { encode, encodesNames: inNames, sortsInLowerCase: lower });
      }
    }
  }
}

/** Each choice of some of the groups. */
const choicesOf = (groups: readonly string[]): readonly string[] =>
  Array.from({ length: 2 ** groups.length }, (_, choice) =>
    groups.filter((_group, index) => (choice & (1 << index)) !== 0).join(''),
  );

/** Tries every encoding that clients use until one matches. Each comparison takes constant time. */
export function isSignedWith(secretKey: string, sent: SentParameters): boolean {
  const signature = signatureOf(sent);
  if (signature.length !== SIGNATURE_BYTES) return false;
  const tried = new Set<string>();
  for (const text of textsOf(sent.entries)) {
    if (tried.has(text)) continue;
    tried.add(text);
    if (isSignatureOf(text, secretKey, signature)) return true;
  }
  return false;
}

/** Computes one HMAC and ignores the result, for calls with an unknown API key: they cannot cause more work than that. */
export const pretendToVerify = (secretKey: string, { entries }: SentParameters): boolean =>
  isSignatureOf(entries.flat().join('&'), secretKey, Buffer.alloc(SIGNATURE_BYTES));

const isSignatureOf = (text: string, secretKey: string, signature: Buffer): boolean =>
  timingSafeEqual(createHmac('sha1', secretKey).update(text).digest(), signature);

/** Decoding turns the plus signs of unencoded Base64 into spaces; some clients send it unencoded. */
const signatureOf = ({ get }: SentParameters): Buffer =>
  Buffer.from((get('signature') ?? '').replaceAll(' ', '+'), 'base64');

const EXPIRES = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)$/i;

/** Whether the request has not expired. Only signature version 3 has `expires`; with any other, a request never expires. */
export function isInTime({ get }: SentParameters, now: Date): boolean {
  if (get('signatureVersion') !== '3') return true;
  const [, time = '', zone = ''] = EXPIRES.exec(get('expires') ?? '') ?? [];
  const expires = Date.parse(time.toUpperCase() + zone.toUpperCase().replace(/^(...)(\d\d)$/, '$1:$2'));
  return expires >= now.getTime();
}
