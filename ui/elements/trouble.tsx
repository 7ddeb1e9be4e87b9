import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';
import { isLost, isUnauthorized } from '../api/client.ts';
import { readable } from './sentence.ts';

export interface TroubleProps {
  readonly error: Error | null;
  /** Whether to show also that the api cannot be reached. The shell shows that above every view, but a failed action shows it too. */
  readonly evenIfLost?: boolean;
}

/** The reason why something cannot be shown or was not done. */
export function Trouble({ error, evenIfLost = false }: TroubleProps): ReactNode {
  if (error === null || (isLost(error) && !evenIfLost) || isUnauthorized(error)) return null;
  return (
    <Alert color="red" variant="light" role="alert" my="sm" className="long">
      {readable(error.message)}
    </Alert>
  );
}
