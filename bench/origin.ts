/** The origin: nginx, or, when nginx is not installed, a Node server in a separate process. */
import { spawn } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selfSigned } from '../test/support/certificates.ts';
import { freePort, isInstalled, stop, untilListening } from './processes.ts';

export interface Origin {
  readonly name: 'nginx' | 'node';
  readonly port: number;
  readonly url: string;
  /** PEM file of its certificate, with https. */
  readonly caFile?: string;
  close(): Promise<void>;
}

interface Tls {
  readonly certFile: string;
  readonly keyFile: string;
}

const NGINX = ['nginx', '/usr/sbin/nginx'].find(isInstalled);

/** Serves the folder of a file on a free port of loopback; with https, by a certificate created for it. */
export async function serveFile(file: string, workFolder: string, https = false): Promise<Origin> {
  const port = await freePort();
  const tls = https ? await makeCertificate(workFolder) : undefined;
  const child =
    NGINX === undefined
      ? spawn(process.execPath, nodeArguments(file, port, tls), { stdio: 'ignore' })
      : spawn(NGINX, await nginxArguments(dirname(file), workFolder, port, tls), { stdio: 'ignore' });
  const name = NGINX === undefined ? 'node' : 'nginx';
  try {
    await untilListening(child, name, port);
  } catch (error) {
    await stop(child);
    throw error;
  }
  const url = `${https ? 'https' : 'http'}://127.0.0.1:${port}/${basename(file)}`;
  const close = (): Promise<void> => stop(child);
  return { name, port, url, close, ...(tls === undefined ? {} : { caFile: tls.certFile }) };
}

async function makeCertificate(folder: string): Promise<Tls> {
  const { cert, key } = selfSigned();
  const [certFile, keyFile] = [join(folder, 'origin.crt'), join(folder, 'origin.key')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  return { certFile, keyFile };
}

/** nginx as one process without privileges, which writes only to the work folder. */
async function nginxArguments(
  root: string,
  workFolder: string,
  port: number,
  tls: Tls | undefined,
): Promise<readonly string[]> {
  const folder = join(workFolder, 'nginx');
  await mkdir(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const secure =
    tls === undefined ? '' : `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile};`;
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'}; ${secure} root ${root}; }
}
`,
  );
  return ['-p', folder, '-c', join(folder, 'nginx.conf')];
}

const nodeArguments = (file: string, port: number, tls: Tls | undefined): readonly string[] => [
  fileURLToPath(import.meta.url),
  file,
  String(port),
  ...(tls === undefined ? [] : [tls.certFile, tls.keyFile]),
];

/** Serves whole files and single ranges, which is all that the contestants request. */
async function answer(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size, mtimeMs } = await stat(file);
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = last === undefined || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  response.writeHead(first === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    etag: `"${Math.trunc(mtimeMs)}-${size}"`,
    ...(first === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file, { start, end, highWaterMark: 1_048_576 }).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = '', port = '', certFile = '', keyFile = ''] = process.argv.slice(2);
  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    answer(file, request, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server =
    certFile === ''
      ? createServer(listen)
      : createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, listen);
  server.listen(Number(port), '127.0.0.1');
}
