// The real thread of downloads with faults of its own: it dies, or hangs, when a download of such a URL begins.
import { parentPort } from 'node:worker_threads';
import '../../dist/workers/transfer.thread.js';

parentPort.on('message', ({ request }) => {
  if (request?.url.endsWith('/dies')) {
    setImmediate(() => {
      throw new Error('a fault of its own');
    });
  }
  while (request?.url.endsWith('/hangs'));
});
