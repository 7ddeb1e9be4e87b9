import type { ReactNode } from 'react';
import { isUnknown } from '../api/client.ts';
import { NotFound } from '../layout/not-found.tsx';
import { Trouble } from './trouble.tsx';

/** Takes the place of a page whose thing does not exist or cannot be shown. */
export function Missing({ error }: { readonly error: Error | null }): ReactNode {
  return error === null || isUnknown(error) ? <NotFound /> : <Trouble error={error} />;
}
