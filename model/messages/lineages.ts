/** Lineages and peers in jobs, records and answers. */
import * as z from 'zod/mini';
import type { KnownLineage, OriginVersion, PeerSource } from '../spread.ts';
import { splitPart } from '../url-policy.ts';
import { message, rule, text, uuid, whole } from './schema.ts';
import type { Schema } from './schema.ts';

const SHA256 = /^[0-9a-f]{64}$/;

export const sha256 = (): Schema<string> =>
  z.string().check(rule((given) => (SHA256.test(given) ? undefined : 'is no SHA-256')));

export const originVersion = message<OriginVersion>({
  url: text(),
  finalUrl: text(),
  etag: z.optional(text()),
  total: whole(),
});

export const knownLineage = message<KnownLineage>({ lineage: uuid(), sha256: sha256() });

/** `host:port`; an IPv6 address stands in brackets. */
const doorAddress = (): Schema<string> =>
  z.string().check(rule((given) => (isDoorAddress(given) ? undefined : 'is no host:port')));

const isDoorAddress = (given: string): boolean =>
  splitPart(given) !== undefined && URL.canParse(`https://${given}`);

export const peerSource = message<PeerSource>({
  hostId: uuid(),
  copyId: uuid(),
  address: doorAddress(),
  ticket: z.string().check(z.regex(/^[\w-]+(?:\.[\w-]+){2}$/), z.maxLength(4096)),
  sha256: z.optional(sha256()),
  unpacked: z.optional(z.boolean()),
});
