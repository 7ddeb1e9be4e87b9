/** The protocols that files are fetched by. A new one is a folder beside this file, and one line below. */
import type { Protocol } from '../protocol.ts';
import { HTTP } from './http/http.ts';
import { NFS } from './nfs/nfs.ts';

export const PROTOCOLS: readonly Protocol[] = [HTTP, NFS];
