/** Whether a request was signed by who holds the secret key, and whether it is still meant. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { textToSign } from '../model/api-signature.ts';
import type { Given } from './request.ts';

/** What clients leave bare or encode, each as it thinks right: Java `*`, Python and Go `~`, JavaScript all of these. */
const DISPUTED = ['*', '~', "!'()"] as const;
const NEVER_ENCODED = ['*', '~', '!', "'", '(', ')'] as const;
/** What csclient and libcloud leave bare, in names too, which they encode otherwise; libcloud sorts names in lower case. */
const BRACKETS = '[]';
const SIGNATURE_BYTES = 20;
/** Characters of a request up to which rare ways of signing are tried: each costs as much as the request is long. */
const MOST_TRIED = 16_384;

const escape = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** Leaves these characters bare, and encodes the others that `encodeURIComponent` would not. */
function encoderOf(bare: string): (value: string) => string {
  const encoded = NEVER_ENCODED.filter((character) => !bare.includes(character)).join('');
  const pattern = encoded === '' ? /(?!)/g : new RegExp(`[${encoded.replace(/[()*]/g, '\\$&')}]`, 'g');
  const withBrackets = bare.includes(BRACKETS);
  return (value) => {
    const text = encodeURIComponent(value).replace(pattern, escape);
    return withBrackets ? text.replaceAll('%5B', '[').replaceAll('%5D', ']') : text;
  };
}

/** Every text that a client may have signed; mostly they are one and the same. */
function textsOf(entries: Given['entries']): ReadonlySet<string> {
  const all = entries.flat().join('');
  const isShort = all.length <= MOST_TRIED;
  const disputed = [...DISPUTED, ...(isShort ? [BRACKETS] : [])].filter((characters) =>
    characters.split('').some((character) => all.includes(character)),
  );
  const choices = Array.from({ length: 2 ** disputed.length }, (_, choice) =>
    encoderOf(disputed.filter((_characters, index) => (choice & (1 << index)) !== 0).join('')),
  );
  const rare = isShort ? [false, true] : [false];
  return new Set(
    choices.flatMap((encode) =>
      rare.flatMap((encodesNames) =>
        rare.map((sortsInLowerCase) => textToSign(entries, { encode, encodesNames, sortsInLowerCase })),
      ),
    ),
  );
}

/** Compares in constant time, with every encoding that clients use. */
export function isSignedWith(secretKey: string, { entries, get }: Given): boolean {
  // A client that does not encode its Base64 has its plus signs turned into spaces on the way.
  const signature = Buffer.from((get('signature') ?? '').replaceAll(' ', '+'), 'base64');
  const given = signature.length === SIGNATURE_BYTES ? signature : Buffer.alloc(SIGNATURE_BYTES);
  let matches = 0;
  for (const text of textsOf(entries)) {
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
