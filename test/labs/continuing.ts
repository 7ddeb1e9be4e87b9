/** The continuing lab: a control lab on its own Temporal server, which suggests continue-as-new after a few events. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../dev/ports.ts';
import { startTemporalServer } from '../../dev/temporal-server.ts';
import { QUICK_TIMING, openControlLab } from './control.ts';
import type { ControlLab } from './control.ts';

/** Events of a history after which the server suggests continue-as-new. */
const MAX_EVENTS = 20;

export async function openContinuingLab(): Promise<ControlLab> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-continuing-'));
  const [port] = (await freePorts(1)) as [number];
  const server = await startTemporalServer({
    cli: process.env['TEMPORAL_CLI_PATH'] ?? '',
    port,
    logFile: join(folder, 'temporal.log'),
    detached: false,
    env: process.env,
    dynamicConfig: [`limit.historyCount.suggestContinueAsNew=${MAX_EVENTS}`],
  });
  const end = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
  try {
    const lab = await openControlLab({
      temporalAddress: server.address,
      timing: { ...QUICK_TIMING, hostWait: { firstMs: 10, mostMs: 10 } },
    });
    return {
      ...lab,
      async close() {
        await lab.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
