/** Secrets as they are in a sealed box. A field that only a newer release knows stays. */
import * as z from 'zod/mini';
import type { Proxies } from '../proxy.ts';
import type { Secrets, SecretWay } from '../source.ts';
import type { VmSecrets } from '../vm-payloads.ts';
import { messageToHandOn } from './schema.ts';

const proxies = messageToHandOn<Proxies>({
  http: z.optional(z.string()),
  https: z.optional(z.string()),
  none: z.optional(z.array(z.string())),
});

const way = messageToHandOn<SecretWay>({
  proxies: z.optional(proxies),
  proxyIsGuard: z.boolean(),
  trusted: z.array(z.string()),
});

export const sealedSecrets = messageToHandOn<Secrets>({
  v: z.literal(1),
  origin: z.string(),
  alsoFor: z.optional(z.array(z.string())),
  headers: z.array(messageToHandOn<Secrets['headers'][number]>({ name: z.string(), value: z.string() })),
  username: z.optional(z.string()),
  password: z.optional(z.string()),
  url: z.optional(z.string()),
  way: z.optional(way),
});

export const vmSecrets = messageToHandOn<VmSecrets>({
  userData: z.optional(z.string()),
  userDataDetails: z.optional(z.record(z.string(), z.string())),
  vncPassword: z.string(),
});
