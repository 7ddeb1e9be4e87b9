import { Anchor, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

export function NotFound(): ReactNode {
  return (
    <>
      <Title order={1} size="h2">
        There is nothing here
      </Title>
      <Text mt="sm">
        The address may be of something that was deleted.{' '}
        <Anchor component={Link} href="/">
          To the overview
        </Anchor>
      </Text>
    </>
  );
}
