/** Starts the balancer as a process of its own. */
import { compiledFile } from '../platform/installation.ts';
import type { Route } from './balancer.ts';
import { startChild } from './child-process.ts';
import type { Running } from './supervisor.ts';

export interface BalancerOptions {
  readonly routes: readonly Route[];
  readonly logFile: string;
  readonly detached: boolean;
  readonly env: NodeJS.ProcessEnv;
}

export async function startBalancer({ routes, ...options }: BalancerOptions): Promise<Running> {
  const child = await startChild({
    ...options,
    command: process.execPath,
    args: ['--enable-source-maps', compiledFile('dev/balancer.js'), JSON.stringify(routes)],
  });
  return { child, stop: () => child.stop([['SIGTERM', 5000]]) };
}
