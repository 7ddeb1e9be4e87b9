/** Jobs as a host reads them from its queues, by the schemas of model/messages/jobs.ts. */
import { ImageError } from '../../model/failures.ts';
import { read } from '../../model/messages/schema.ts';
import type { Schema } from '../../model/messages/schema.ts';
import { displayUrl } from '../../model/url.ts';

/**
 * Reads a job. Fields that only a newer release knows are passed over: the control side chooses a host by the
 * capabilities that the host reports.
 * @throws ImageError Unsupported
 */
export function readJob<J>(schema: Schema<J>, message: unknown): J {
  const { value, problem } = read(schema, message);
  if (problem === undefined) return value;
  const { url } = (message ?? {}) as { readonly url?: unknown };
  const about = typeof url === 'string' ? { url: displayUrl(url) } : {};
  throw new ImageError('Unsupported', `the job cannot be taken: ${problem}`, about);
}

/** An activity that reads its job first. */
export const withReadJob =
  <J, R>(schema: Schema<J>, run: (job: J) => Promise<R>) =>
  async (message: J): Promise<R> =>
    run(readJob(schema, message));
