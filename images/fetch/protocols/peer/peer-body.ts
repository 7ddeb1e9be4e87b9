/** The body of a door's answer: decoded, watched, and its failures named. */
import { HOLES_CODING, plainBytes } from '../../../spread/hole-frames.ts';
import { watchBody } from '../../network/body-watch.ts';
import type { BodyBudgets } from '../../network/budgets.ts';
import type { Exchange } from '../http/exchange.ts';

export interface PeerBody {
  readonly batches: AsyncIterable<readonly Buffer[]>;
  /** Bytes of the range that have come, decoded. */
  readonly arrived: () => number;
}

export interface PeerBodyOptions {
  /** Bytes of the range. */
  readonly length: number;
  readonly limits: BodyBudgets;
  /** Names the host in what the body fails with. */
  readonly named: (error: unknown) => unknown;
  readonly onEnd: () => void;
}

/** Its rate is that of decoded bytes: a long hole takes hardly any bytes of the line, and is not slow for that. */
export function peerBody(answer: Exchange, { length, limits, named, onEnd }: PeerBodyOptions): PeerBody {
  let arrived = 0;
  let waiting = false;
  const reader = {
    get paused() {
      return !waiting;
    },
  };
  async function* read(): AsyncGenerator<readonly Buffer[]> {
    // The exchange watches for silence.
    const watch = watchBody({ ...limits, idleMs: Infinity }, reader, (error) => answer.body.fail(error));
    try {
      waiting = true;
      for await (const batch of decoded(answer, length)) {
        waiting = false;
        const bytes = batch.reduce((sum, chunk) => sum + chunk.length, 0);
        arrived += bytes;
        watch.count(bytes);
        yield batch;
        waiting = true;
      }
    } catch (error) {
      throw named(error);
    } finally {
      watch.stop();
      onEnd();
    }
  }
  return { batches: read(), arrived: () => arrived };
}

function decoded(answer: Exchange, length: number): AsyncIterable<readonly Buffer[]> {
  const codings = (answer.headers.get('transfer-encoding') ?? '').split(/\s*,\s*/);
  if (!codings.includes(HOLES_CODING)) return answer.body;
  return plainBytes({ batches: answer.body, length, giveBack: (chunks) => answer.giveBack(chunks) });
}
