import { Center, Loader } from '@mantine/core';
import type { ReactNode } from 'react';

export function Waiting(): ReactNode {
  return (
    <Center mih={160} role="status" aria-label="Loading">
      <Loader aria-hidden />
    </Center>
  );
}
