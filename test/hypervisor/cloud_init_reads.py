"""Prints as JSON what cloud-init reads from first boot data, and which files it would configure the network with.

Arguments: the folder of the data, whose path ends in seed/nocloud, and a folder for what cloud-init writes.
On standard input: JSON with `template`, a text that cloud-init fills in from the metadata.
"""

import json
import os
import sys

# With what the machine of the tests was booted does not count.
os.environ["DEBUG_PROC_CMDLINE"] = "quiet"

from cloudinit import helpers, util  # noqa: E402
from cloudinit.config.schema import get_schema, validate_cloudconfig_schema  # noqa: E402
from cloudinit.distros import rhel  # noqa: E402
from cloudinit.handlers.jinja_template import render_jinja_payload_from_file  # noqa: E402
from cloudinit.net import eni, netplan, network_manager, sysconfig  # noqa: E402
from cloudinit.net.network_state import parse_net_config_data  # noqa: E402
from cloudinit.sources.DataSourceNoCloud import DataSourceNoCloud  # noqa: E402


def renderers():
    return {
        "eni": eni.Renderer(),
        # Without known features, netplan's program is not asked for them.
        "netplan": netplan.Renderer({"features": []}),
        "network-manager": network_manager.Renderer(),
        "sysconfig": sysconfig.Renderer(rhel.Distro.renderer_configs["sysconfig"]),
    }


def files_in(folder):
    """Path -> text, without comments, which have the time."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            lines = util.load_file(path).splitlines()
            kept = [line for line in lines if line and not line.startswith("#")]
            found[os.path.relpath(path, folder)] = "\n".join(kept)
    return found


def configured(network, folder):
    found = {}
    for name, renderer in renderers().items():
        target = os.path.join(folder, name)
        renderer.render_network_state(parse_net_config_data(network), target=target)
        found[name] = files_in(target)
    return found


def config_of(user_data):
    """What cloud-init would carry out, which must be what its schema allows."""
    if not user_data.startswith(b"#cloud-config"):
        return None
    config = util.load_yaml(user_data)
    validate_cloudconfig_schema(config, get_schema(), strict=True)
    return config


def main(seed, folder):
    template = json.load(sys.stdin)["template"]
    run = os.path.join(folder, "run")
    os.makedirs(run)
    paths = helpers.Paths({"cloud_dir": os.path.dirname(os.path.dirname(seed)), "run_dir": run})
    # Without a label, cloud-init looks for no disc of the machine of the tests.
    system = {"datasource": {"NoCloud": {"fs_label": None}}}
    source = DataSourceNoCloud(system, None, paths)
    if not source.get_data():
        raise SystemExit("cloud-init does not take the data")
    user_data = util.encode_text(source.get_userdata_raw())
    network = source.network_config
    answer = {
        "instanceId": source.get_instance_id(),
        "hostName": str(source.get_hostname().hostname),
        "publicKeys": source.get_public_ssh_keys(),
        "userData": user_data.decode("latin-1"),
        "config": config_of(user_data),
        "filled": render_jinja_payload_from_file(
            template, "user-data", os.path.join(run, "instance-data-sensitive.json")
        ),
        "network": network and configured(network, os.path.join(folder, "network")),
    }
    json.dump(answer, sys.stdout)


main(*sys.argv[1:])
