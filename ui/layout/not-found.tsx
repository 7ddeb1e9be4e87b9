import { Anchor, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ViewHead } from '../elements/view-head.tsx';

export function NotFound(): ReactNode {
  return (
    <>
      <ViewHead title="There is nothing here" />
      <Text>
        The address may be of something that was deleted.{' '}
        <Anchor component={Link} href="/">
          To the overview
        </Anchor>
      </Text>
    </>
  );
}
