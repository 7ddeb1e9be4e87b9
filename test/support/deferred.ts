/** A promise that the test resolves. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

export function deferred<T = void>(): Deferred<T> {
  const held: { resolve?: (value: T) => void } = {};
  const promise = new Promise<T>((resolve) => {
    held.resolve = resolve;
  });
  return { promise, resolve: (value) => held.resolve?.(value) };
}
