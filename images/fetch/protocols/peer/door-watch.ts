/**
 * Tells a host that waits for bytes itself from one that is dead. Both send nothing; but the door of one that waits still
 * finishes a handshake. Without that look, a whole chain would have to wait for the idle limit behind a host that was stopped.
 */
import { ImageError } from '../../../../model/failures.ts';
import { connectTo } from '../../network/connect.ts';
import { ReadBuffers } from '../../network/read-buffers.ts';
import type { Exchange } from '../http/exchange.ts';
import type { HttpSettings } from '../http/http-options.ts';

export interface DoorWatchOptions {
  readonly settings: HttpSettings;
  /** Milliseconds without a byte after which the door is looked at, again and again. */
  readonly silenceMs: number;
}

/** Fails the answer when its door is dead. @returns what ends the watch */
export function watchDoor({ url, body }: Exchange, { settings, silenceMs }: DoorWatchOptions): () => void {
  const over = new AbortController();
  let seen = -1;
  let looking = false;
  const look = async (): Promise<void> => {
    looking = true;
    try {
      await knock(url, settings, over.signal);
    } catch (error) {
      const sentence = `sends nothing, and its door is dead: it ${(error as Error).message}`;
      if (!over.signal.aborted) body.fail(new ImageError('Stalled', sentence, { cause: error }));
    }
    looking = false;
  };
  const timer = setInterval(() => {
    const isSilent = !body.paused && body.received === seen;
    seen = body.received;
    if (isSilent && !looking) void look();
  }, silenceMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    over.abort(new Error('the watch is over'));
  };
}

/** @throws why the door did not finish a handshake */
async function knock(url: URL, settings: HttpSettings, signal: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(settings.connectMs + settings.tlsMs);
  const route = await settings.egress.route(url, settings.dnsMs);
  const socket = await connectTo(url, route, {
    secure: true,
    settings,
    onPhase: () => undefined,
    signal: AbortSignal.any([signal, late]),
    buffers: new ReadBuffers(),
  });
  socket.destroy();
}
