/** nginx on loopback, which serves one folder over TLS and HTTP/2. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerCertificate } from './certificates.ts';
import { freePort, spawnServer } from './spawned-server.ts';

export interface Nginx {
  url(name: string): string;
  /** Log lines: protocol, status and range of each request. */
  readonly log: string;
  close(): Promise<void>;
}

/** @param directives directives for the server block, such as `keepalive_requests 1;` */
export async function startNginx(
  { key, cert }: ServerCertificate,
  files: Readonly<Record<string, Buffer>>,
  directives: string,
): Promise<Nginx> {
  const home = await mkdtemp(join(tmpdir(), 'bypass-nginx-'));
  const port = await freePort();
  const conf = join(home, 'nginx.conf');
  await writeFile(join(home, 'key.pem'), key);
  await writeFile(join(home, 'cert.pem'), cert);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(home, name), bytes);
  await writeFile(
    conf,
    `daemon off; master_process off; user root; pid ${home}/pid; error_log ${home}/error.log;
events {}
http {
  log_format short '$server_protocol $status $http_range';
  access_log ${home}/access.log short;
  client_body_temp_path ${home}/body;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${home}/cert.pem;
    ssl_certificate_key ${home}/key.pem;
    root ${home};
    ${directives}
  }
}
`,
  );
  const server = await spawnServer('nginx', ['-p', home, '-c', conf, '-e', join(home, 'error.log')], port);
  return {
    url: (name) => `https://127.0.0.1:${port}/${name}`,
    log: join(home, 'access.log'),
    async close() {
      await server.end();
      await rm(home, { recursive: true });
    },
  };
}
