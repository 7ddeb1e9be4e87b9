import { Group, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef } from 'react';

/** At first a browser begins at the top of the page by itself, where the way past the menu is. */
let isFirstView = true;

/** The title of a view, which is read out when one comes to it, and what can be done there. */
export function ViewHead({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ReactNode;
}): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useDocumentTitle(`${title} · Bypass`);
  useEffect(() => {
    if (!isFirstView) heading.current?.focus({ preventScroll: true });
    isFirstView = false;
  }, []);
  return (
    <Group justify="space-between" mb="md" gap="sm">
      <Title order={1} size="h2" ref={heading} tabIndex={-1} className="long view-title">
        {title}
      </Title>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}
