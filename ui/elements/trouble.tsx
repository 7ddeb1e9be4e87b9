import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';
import { isLost, isUnauthorized } from '../api/client.ts';

/** Why something cannot be shown or was not done. That the api is lost is said above every view, and not again here. */
export function Trouble({ error }: { readonly error: Error | null }): ReactNode {
  if (error === null || isLost(error) || isUnauthorized(error)) return null;
  return (
    <Alert color="red" variant="light" role="alert" my="sm">
      {error.message}
    </Alert>
  );
}
