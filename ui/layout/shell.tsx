/** What stands around every view: where one is, where one can go, and whether the api answers. */
import {
  ActionIcon,
  Alert,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
  VisuallyHidden,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import {
  IconCertificate,
  IconDatabase,
  IconDisc,
  IconDownload,
  IconGauge,
  IconListDetails,
  IconLogout,
  IconMoon,
  IconServer2,
  IconSun,
  IconTemplate,
  IconUser,
} from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { call, isLost } from '../api/client.ts';
import { LIVE } from '../api/queries.ts';
import { type Session, useLogOut } from '../api/session.ts';
import icon from '../icon.svg';

interface Place {
  readonly path: string;
  readonly title: string;
  readonly icon: typeof IconGauge;
  readonly adminOnly?: boolean;
}

export const PLACES: readonly Place[] = [
  { path: '/', title: 'Overview', icon: IconGauge },
  { path: '/templates', title: 'Templates', icon: IconTemplate },
  { path: '/isos', title: 'ISOs', icon: IconDisc },
  { path: '/deployments', title: 'Deployments', icon: IconDownload },
  { path: '/hosts', title: 'Hosts', icon: IconServer2, adminOnly: true },
  { path: '/pools', title: 'Storage pools', icon: IconDatabase, adminOnly: true },
  { path: '/certificates', title: 'Certificates', icon: IconCertificate, adminOnly: true },
  { path: '/events', title: 'Events', icon: IconListDetails },
];

export function Shell({
  session,
  children,
}: {
  readonly session: Session;
  readonly children: ReactNode;
}): ReactNode {
  const [opened, { toggle, close }] = useDisclosure();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="md"
    >
      <AppShell.Header>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? 'Close the menu' : 'Open the menu'}
              aria-expanded={opened}
            />
            <img src={icon} alt="" width={28} height={28} />
            <Text fw={700}>Bypass</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SchemeSwitch />
            <UserMenu session={session} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <Places session={session} onGo={close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <LostApi />
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

function Places({ session, onGo }: { readonly session: Session; readonly onGo: () => void }): ReactNode {
  const [location] = useLocation();
  return PLACES.filter(({ adminOnly }) => adminOnly !== true || session.isAdmin).map(
    ({ path, title, icon: Icon }) => {
      const here = path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
      return (
        <NavLink
          key={path}
          component={Link}
          href={path}
          label={title}
          leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
          active={here}
          aria-current={here ? 'page' : undefined}
          onClick={onGo}
        />
      );
    },
  );
}

function SchemeSwitch(): ReactNode {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={`Use the ${other} theme`}
      onClick={() => setColorScheme(other)}
    >
      {other === 'light' ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
    </ActionIcon>
  );
}

function UserMenu({ session }: { readonly session: Session }): ReactNode {
  const logOut = useLogOut();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={`User ${session.username}`}>
          <IconUser size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.username}, {session.isAdmin ? 'administrator' : 'user'}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void logOut()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Milliseconds between knocks at an api that is lost. */
const KNOCK = 1000;

/** A lost api is said once, here; the views keep showing what they knew, and ask anew as soon as it is back. */
function LostApi(): ReactNode {
  const queries = useQueryClient();
  const { error } = useQuery({
    queryKey: ['getApiLimit'],
    queryFn: ({ signal }) => call('getApiLimit', {}, signal),
    refetchInterval: ({ state }) => (isLost(state.error) ? KNOCK : LIVE * 2),
  });
  const lost = isLost(error);
  const wasLost = useRef(false);
  useEffect(() => {
    if (wasLost.current && !lost) void queries.invalidateQueries();
    wasLost.current = lost;
  }, [lost, queries]);
  if (!lost) return <VisuallyHidden role="status" />;
  return (
    <Alert color="orange" role="alert" mb="md" title="The api is lost">
      {error?.message}
    </Alert>
  );
}
