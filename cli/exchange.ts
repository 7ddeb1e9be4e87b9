/** HTTP exchanges with the api, by Node's own client: it loads in a few milliseconds, and every command pays for its start. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type Exchange = (form: string, signal?: AbortSignal) => Promise<HttpAnswer>;

/**
 * Posts forms to one URL over kept-alive connections.
 * @param ca PEM of the authorities to trust instead of the usual ones
 * @param timeoutMs how long a whole answer may take; after that the promise rejects with a TimeoutError
 */
export function createExchange(url: string, timeoutMs: number, ca?: string): Exchange {
  const secure = new URL(url).protocol === 'https:';
  const request = secure ? httpsRequest : httpRequest;
  // Idle connections do not keep the process alive.
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) })
    : new HttpAgent({ keepAlive: true });

  return (form, signal) =>
    new Promise((resolve, reject) => {
      const limit = AbortSignal.timeout(timeoutMs);
      const sent = request(url, {
        method: 'POST',
        agent,
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(form),
          accept: 'application/json',
        },
      });
      const fail = (error: Error): void => reject(limit.aborted ? (limit.reason as Error) : error);
      sent.on('error', fail);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('error', fail);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.end(form);
    });
}
