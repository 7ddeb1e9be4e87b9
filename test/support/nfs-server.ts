/** An NFS version 4 server in user space (nfs-ganesha) that gives one folder, read only. Needs root. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needing } from './programs.ts';
import { until } from './until.ts';

export interface NfsServer {
  url(name: string): string;
  /** Stops answering, without ending connections. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** `describe`, or `describe.skip` where such a server cannot run. */
export const needingNfsServer = (): jest.Describe =>
  process.getuid?.() === 0 ? needing('ganesha.nfsd', 'nfs-cat', 'nfs-ls') : describe.skip;

/** @param fill puts files into the folder; the server may not see what is put there later */
export async function startNfsServer(fill: (folder: string) => Promise<void>): Promise<NfsServer> {
  const home = await mkdtemp(join(tmpdir(), 'bypass-nfs-'));
  const folder = join(home, 'exp');
  // Its own folders, which its package makes only where systemd runs.
  for (const path of [folder, '/var/run/ganesha', '/var/lib/nfs/ganesha']) {
    await mkdir(path, { recursive: true });
  }
  await fill(folder);
  const port = await freePort();
  await writeFile(join(home, 'ganesha.conf'), configuration(folder, port));
  const args = ['-F', '-f', join(home, 'ganesha.conf'), '-L', join(home, 'log'), '-p', join(home, 'pid')];
  const child = spawn('ganesha.nfsd', args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until('the NFS server takes connections', () => accepts(port));
  return {
    url: (name) => `nfs://127.0.0.1:${port}/exp/${name}`,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async close() {
      child.kill('SIGKILL');
      await ended;
      await rm(home, { recursive: true });
    },
  };
}

const configuration = (folder: string, port: number): string => `
NFS_CORE_PARAM { NFS_Port = ${port}; Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Protocols = 4; }
NFSV4 { Graceless = true; RecoveryBackend = fs; }
EXPORT {
  Export_Id = 1; Path = ${folder}; Pseudo = /exp; Access_Type = RO; Squash = No_Root_Squash; SecType = sys;
  Protocols = 4; FSAL { Name = VFS; }
}
LOG { Default_Log_Level = WARN; }
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
