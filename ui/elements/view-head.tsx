import { Group, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef } from 'react';

/** On the first view the focus stays at the top of the page, at the link that skips the menu. */
let isFirstView = true;

/** The title of a view, which screen readers read out when the view opens, and its actions. */
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
