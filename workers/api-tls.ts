/** The TLS certificate and key of the api, read again when their files change. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { readSecretFile } from '../trust/secret-file.ts';
import type { Logger } from './runtime.ts';
import { StartError } from './start-error.ts';
import { label, SettingError, type Settings } from './settings.ts';

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

interface Files {
  readonly cert: string;
  readonly key: string;
}

const LOOK_MS = 60_000;

/** @returns undefined when the settings name neither file: plain HTTP */
function filesOf(settings: Settings): Files | undefined {
  const [cert, key] = [settings.text('apiTlsCert'), settings.text('apiTlsKey')];
  if (cert === '' && key === '') return undefined;
  if (cert !== '' && key !== '') return { cert, key };
  const missing = cert === '' ? 'apiTlsCert' : 'apiTlsKey';
  throw new SettingError(`${label(missing)} is missing: TLS takes a certificate and its key`);
}

/**
 * @returns undefined when the settings name neither file: plain HTTP
 * @throws SettingError, SecretFileError or StartError that says what is wrong with the files
 */
export async function loadServerTls(settings: Settings): Promise<ServerTls | undefined> {
  const files = filesOf(settings);
  return files && read(files);
}

async function read({ cert, key }: Files): Promise<ServerTls> {
  const chain = await readFile(cert, 'utf8').catch((error: unknown) => {
    throw new StartError(`the certificate ${cert} cannot be read (${(error as Error).message})`);
  });
  const secret = await readSecretFile(key);
  if (secret === undefined) throw new StartError(`there is no key at ${key}: correct ${label('apiTlsKey')}`);
  if (!belongTogether(chain, secret)) {
    throw new StartError(`${key} is not the private key (PEM) of the certificate (PEM) in ${cert}`);
  }
  return { cert: chain, key: secret };
}

function belongTogether(cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/**
 * Uses a renewed certificate for new connections. When the new files cannot be used, it logs why and keeps the previous
 * certificate.
 * @param everyMs interval of the checks; default 60 000
 * @returns stops the checks
 */
export function followServerTls(
  { settings, logger }: { readonly settings: Settings; readonly logger: Logger },
  server: Pick<Server, 'setSecureContext'>,
  shown: ServerTls,
  everyMs = LOOK_MS,
): () => void {
  let current = shown;
  const look = async (): Promise<void> => {
    try {
      const now = await loadServerTls(settings);
      if (now === undefined || (now.cert === current.cert && now.key === current.key)) return;
      server.setSecureContext(now);
      current = now;
      logger.info('the api shows its new certificate');
    } catch (error) {
      logger.warn(`the certificate of the api was not renewed: ${(error as Error).message}`);
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}
