/** The frame of every view: current view, navigation, and whether the api answers. */
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
  IconChecklist,
  IconCpu,
  IconDatabase,
  IconDeviceDesktop,
  IconDisc,
  IconDownload,
  IconGauge,
  IconKey,
  IconListDetails,
  IconLogout,
  IconMap2,
  IconMoon,
  IconNetwork,
  IconServer2,
  IconSettings,
  IconStackPush,
  IconSun,
  IconTemplate,
  IconUser,
  IconUsers,
} from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { call, isLost } from '../api/client.ts';
import { LIVE } from '../api/queries.ts';
import { type Session, useIsSessionOver, useLogOut } from '../api/session.ts';
import icon from '../icon.svg';

interface Place {
  readonly path: string;
  readonly title: string;
  readonly icon: typeof IconGauge;
}

interface PlaceGroup {
  /** Absent: no heading. */
  readonly title?: string;
  readonly places: readonly Place[];
  readonly adminOnly?: boolean;
}

const GROUPS: readonly PlaceGroup[] = [
  { places: [{ path: '/', title: 'Overview', icon: IconGauge }] },
  {
    title: 'Images',
    places: [
      { path: '/templates', title: 'Templates', icon: IconTemplate },
      { path: '/isos', title: 'ISOs', icon: IconDisc },
      { path: '/deployments', title: 'Deployments', icon: IconDownload },
    ],
  },
  {
    title: 'Virtual machines',
    places: [
      { path: '/instances', title: 'Instances', icon: IconDeviceDesktop },
      { path: '/offerings', title: 'Offerings', icon: IconCpu },
      { path: '/networks', title: 'Networks', icon: IconNetwork },
      { path: '/ssh-keys', title: 'SSH keys', icon: IconKey },
    ],
  },
  {
    title: 'Fleet',
    adminOnly: true,
    places: [
      { path: '/rollouts', title: 'Roll-outs', icon: IconStackPush },
      { path: '/hosts', title: 'Hosts', icon: IconServer2 },
      { path: '/pools', title: 'Storage pools', icon: IconDatabase },
      { path: '/zones', title: 'Zones', icon: IconMap2 },
      { path: '/certificates', title: 'Certificates', icon: IconCertificate },
      { path: '/accounts', title: 'Accounts', icon: IconUsers },
      { path: '/settings', title: 'Settings', icon: IconSettings },
    ],
  },
  {
    title: 'What happened',
    places: [
      { path: '/jobs', title: 'Jobs', icon: IconChecklist },
      { path: '/events', title: 'Events', icon: IconListDetails },
    ],
  },
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
      <AppShell.Navbar p="xs" className="scrolls">
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
  return GROUPS.filter(({ adminOnly }) => adminOnly !== true || session.isAdmin).map(
    ({ title = '', places }) => (
      <div key={title} role="group" {...(title === '' ? {} : { 'aria-label': title })}>
        {title !== '' && (
          <Text size="xs" fw={600} c="dimmed" px="sm" pt="xs" pb={2} aria-hidden>
            {title}
          </Text>
        )}
        {places.map((place) => (
          <PlaceLink key={place.path} place={place} onGo={onGo} />
        ))}
      </div>
    ),
  );
}

function PlaceLink({
  place: { path, title, icon: Icon },
  onGo,
}: {
  readonly place: Place;
  readonly onGo: () => void;
}): ReactNode {
  const [location] = useLocation();
  const here = path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
  return (
    <NavLink
      component={Link}
      href={path}
      label={title}
      py={5}
      leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
      active={here}
      aria-current={here ? 'page' : undefined}
      onClick={onGo}
    />
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
        <Menu.Item component={Link} href="/me" leftSection={<IconUser size={16} aria-hidden />}>
          Password and keys
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void logOut()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Milliseconds between attempts to reach a lost api. */
const KNOCK = 1000;

/** Reports a lost api once, for all views. The views keep their data, and repeat their queries once the api is back. */
function LostApi(): ReactNode {
  const queries = useQueryClient();
  const isOver = useIsSessionOver();
  const { error } = useQuery({
    queryKey: ['getApiLimit'],
    enabled: !isOver,
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
