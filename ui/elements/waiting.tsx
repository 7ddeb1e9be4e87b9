import { Center, Loader } from '@mantine/core';
import type { ReactNode } from 'react';

export function Waiting(): ReactNode {
  return (
    <Center mih={160}>
      <Loader aria-label="Loading" />
    </Center>
  );
}
