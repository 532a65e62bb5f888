# SPDX-License-Identifier: Apache-2.0
"""The lab itself: machines with a root of their own, what becomes of it in snapshots and images."""

import os
import pathlib
import shutil
import time

import botocore.exceptions
import witness
from disks import look
from lab import case, finish

SECOND = "us-west-2"
OWN = {"roots": "*"}
SHARED = "findmnt -no FSTYPE /shared; systemctl is-active shared-prep.service"
FAR = {"region_name": SECOND}


def code_of(function, **arguments):
    """The code of the error that it must be."""
    try:
        function(**arguments)
    except botocore.exceptions.ClientError as problem:
        return problem.response["Error"]["Code"]
    raise AssertionError("it succeeds")


def tags_of(kind, **tags):
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]


def said(lab, machine, command):
    done = lab.ssh(machine, command)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def start(lab, more="", **arguments):
    lab.tell(knobs=OWN)
    machine = lab.machine(more, **arguments)
    said(lab, machine, "true")
    return machine


def install(lab, machine):
    """The agent, as a bake would do it, and an archive for it."""
    root = lab.root(machine)
    shutil.copy(os.environ["RPM"], root / "root/agent.rpm")
    (root / "root/hello").mkdir()
    (root / "root/hello/file").write_text("hello\n", "ascii")
    said(lab, machine, "sudo -n sh -euc 'rpm -i --nodeps /root/agent.rpm; mkdir -p /usr/local/data; "
                       "shared-prep pack /root/hello -o /usr/local/data/hello.tar.zst; "
                       "systemctl enable shared-prep.service shared-prep-jobs.service'")


def register(lab, snapshot, name, **more):
    lab.settle(snapshot=snapshot)
    device = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    made = lab.client().register_image(**{
        "Name": name, "RootDeviceName": "/dev/xvda", "Architecture": "x86_64", "VirtualizationType": "hvm",
        "BlockDeviceMappings": [device], **more})["ImageId"]
    return lab.settle(image=made)


def snapshot_of(lab, machine, **more):
    return lab.client().create_snapshot(VolumeId=lab.volume(machine), **more)["SnapshotId"]


def clear(lab, *groups):
    """All images and snapshots too, of both regions."""
    for ec2 in (lab.client(), lab.client(**FAR)):
        for image in ec2.describe_images(Owners=["self"])["Images"]:
            ec2.deregister_image(ImageId=image["ImageId"], DeleteAssociatedSnapshots=True)
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    lab.clear(*groups)


def shared(lab, machine):
    """Its file system and the state of the agent, when that is up; whatever else after 5 s."""
    end = time.monotonic() + 5
    while True:
        found = lab.ssh(machine, SHARED).stdout.split()
        if found == ["tmpfs", "active"] or time.monotonic() > end:
            return found


@case("its root can be written, and has what cloud-init leaves")
def own_root(lab):
    machine = start(lab, "write_files:\n  - path: /run/mark\n    content: x\n")
    assert said(lab, machine, "sudo -n touch /usr/bin/x /etc/y && cat /run/mark; id -un; sudo -n id -un") == (
        "xec2-user\nroot\n")
    root = lab.root(machine)
    for path in (f"var/lib/cloud/instances/{machine.name}/user-data.txt", "root/.ssh/authorized_keys",
                 "etc/ssh/ssh_host_ed25519_key", "etc/sudoers.d/90-cloud-init-users"):
        assert (root / path).stat().st_size > 0, path
    assert len((root / "etc/machine-id").read_text("ascii")) == 33
    assert not (root / "run/shared-prep-worker").exists() and not pathlib.Path("/usr/bin/x").exists()
    assert said(lab, machine, "sudo -n systemctl enable ssh.service; systemctl is-enabled ssh.service") == "enabled\n"
    said(lab, machine, "sudo -n systemctl stop ecs.service")
    report = lab.tell()["workers"][machine.name]
    assert report["own_root"] and report["asked"] == ["systemctl stop ecs.service"], report
    clear(lab, machine.group)


BAKED = {}  # of the case that bakes, for those after it


@case("a snapshot keeps what the disk has then; an image of it boots with that, and the agent")
def bake(lab):
    lab.tell(knobs={"snapshot_pending": 3})
    machine = start(lab)
    install(lab, machine)
    said(lab, machine, "sudo -n sh -c 'echo one >/opt/one; rm /usr/bin/perl; echo x >/run/x; fsfreeze -f /'")
    snapshot = snapshot_of(lab, machine, TagSpecifications=tags_of("snapshot", k="v"), Description="early")
    said(lab, machine, "sudo -n sh -c 'fsfreeze -u /; echo two >/opt/two'")
    seen = [lab.client().describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0] for _ in range(4)]
    assert [s["Progress"] for s in seen] == ["25%", "50%", "75%", "100%"], seen
    assert (seen[3]["State"], seen[3]["Description"], seen[3]["Tags"]) == (
        "completed", "early", [{"Key": "k", "Value": "v"}])
    image = register(lab, snapshot, "baked", TagSpecifications=tags_of("image", role="baked"))
    kept = lab.tell()["snapshots"][snapshot]
    assert kept["frozen"] and look(kept["layers"], "/opt/one") == "one\n", kept
    assert not look(kept["layers"], "/opt/two") and not look(kept["layers"], "/usr/bin/perl")
    assert look(kept["layers"], "/etc/debian_version")
    second = start(lab, ImageId=image["ImageId"])
    assert shared(lab, second) == ["tmpfs", "active"], said(lab, second, "journalctl -u shared-prep.service")
    assert said(lab, second, "cat /shared/hello/file /opt/one; ls -d /opt/two /usr/bin/perl /run/x; true") == (
        "hello\none\n")
    assert said(lab, second, "ls /run/shared-prep/ready; systemctl is-system-running; systemctl -q is-active "
                             "multi-user.target shared.mount; systemctl list-units --failed") == (
        "/run/shared-prep/ready\nrunning\n")
    assert said(lab, second, "stat -c %Y /etc/machine-id") < said(lab, second, "sed -n 's/^btime //p' /proc/stat")
    assert "prepare" in said(lab, second, "systemctl cat shared-prep.service")
    assert lab.ssh(second, "systemctl cat ecs.service").returncode == 1
    assert said(lab, second, "systemctl show -p After shared-prep-jobs.service").startswith("After=shared-prep.service")
    assert said(lab, second, "shared-prep submit --wait cat /shared/hello/file") == "hello\n"
    BAKED.update(image=image["ImageId"], snapshot=snapshot, first=machine, second=second)


@case("what is not wiped is there again: the machine id, keys, what cloud-init kept; the rest is not")
def leftovers(lab):
    first, second = BAKED["first"], BAKED["second"]
    ids = said(lab, second, "sudo -n ls /var/lib/cloud/instances").split()
    assert ids == sorted([first.name, second.name]), ids
    same = said(lab, first, "cat /etc/machine-id")
    assert said(lab, second, "cat /etc/machine-id") == same
    second.key = first.key
    said(lab, second, "true")
    said(lab, first, "sudo -n sh -c ': >/etc/machine-id; rm -r /home/ec2-user/.ssh /var/lib/cloud'")
    wiped = lab.client().create_image(InstanceId=first.name, Name="wiped", NoReboot=True)["ImageId"]
    lab.settle(image=wiped)
    third = start(lab, ImageId=wiped)
    assert said(lab, third, "cat /etc/machine-id") not in ("", "\n", same)
    assert said(lab, third, "sudo -n ls /var/lib/cloud/instances").split() == [third.name]
    third.key = first.key
    assert "Permission denied" in lab.ssh(third, "true").stderr
    lab.client().deregister_image(ImageId=wiped, DeleteAssociatedSnapshots=True)
    lab.clear(first.group, second.group, third.group)


@case("its faults are those that are planted")
def spoils(lab):
    image = BAKED["image"]
    for how, command, expected in (
            ("no-agent", "ls /usr/bin/shared-prep", ""),
            ("no-unit", "ls -d /shared/hello", ""),
            ("damaged-archive", "ls -d /shared/hello; journalctl -q -u shared-prep.service | grep -o 'hello.tar.zst' | head -n 1",
             "hello.tar.zst\n")):
        lab.tell(spoil={"image": image, "how": how})
        machine = start(lab, ImageId=image)
        found = lab.ssh(machine, f"until [ -e /var/lib/cloud/instance/boot-finished ]; do :; done; {command}")
        assert found.stdout == expected, (how, found)
        assert lab.ssh(machine, "systemctl is-active shared-prep.service").returncode == 3, how
        assert lab.ssh(machine, "systemctl is-failed shared-prep.service").returncode == (3 if how == "no-unit" else 0)
        lab.clear(machine.group)
    lab.tell(spoil={"image": image, "how": "not-wiped"})
    machine = start(lab, ImageId=image)
    assert said(lab, machine, "stat -c %Y /etc/machine-id") < said(lab, machine, "sed -n 's/^btime //p' /proc/stat")
    lab.clear(machine.group)
    lab.tell(spoil={"image": image, "shell": "echo more >/opt/more"})
    machine = start(lab, ImageId=image)
    assert said(lab, machine, "cat /opt/more") == "more\n"
    assert shared(lab, machine) == ["tmpfs", "active"]
    lab.clear(machine.group)


@case("RegisterImage keeps what it is told, and refuses what does not fit")
def registered(lab):
    ec2, snapshot = lab.client(), BAKED["snapshot"]
    image = ec2.describe_images(ImageIds=[BAKED["image"]])["Images"][0]
    assert image["Tags"] == [{"Key": "role", "Value": "baked"}]
    more = register(lab, snapshot, "more", ImdsSupport="v2.0", BootMode="uefi-preferred", EnaSupport=True,
                    Description="text", BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {
                        "SnapshotId": snapshot, "VolumeSize": 20, "VolumeType": "gp3"}}])
    assert {k: more.get(k) for k in ("ImdsSupport", "BootMode", "EnaSupport", "Description", "Architecture",
                                     "RootDeviceName", "RootDeviceType", "VirtualizationType", "Public")} == {
        "ImdsSupport": "v2.0", "BootMode": "uefi-preferred", "EnaSupport": True, "Description": "text",
        "Architecture": "x86_64", "RootDeviceName": "/dev/xvda", "RootDeviceType": "ebs",
        "VirtualizationType": "hvm", "Public": False}, more
    assert more["BlockDeviceMappings"] == [{"DeviceName": "/dev/xvda", "Ebs": {
        "SnapshotId": snapshot, "VolumeSize": 20, "VolumeType": "gp3", "DeleteOnTermination": True,
        "Encrypted": False}}], more
    fits = {"RootDeviceName": "/dev/xvda", "Architecture": "x86_64"}
    device = lambda **ebs: [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot, **ebs}}]  # noqa: E731
    for code, arguments in (
            ("InvalidAMIName.Duplicate", {"Name": "more", "BlockDeviceMappings": device()}),
            ("InvalidAMIName.Malformed", {"Name": "m:x", "BlockDeviceMappings": device()}),
            ("InvalidBlockDeviceMapping", {"Name": "n-1", "BlockDeviceMappings": device(VolumeSize=1)}),
            ("InvalidBlockDeviceMapping", {"Name": "n-2", "BlockDeviceMappings": device(Encrypted=True)}),
            ("InvalidBlockDeviceMapping", {"Name": "n-3", "BlockDeviceMappings": []}),
            ("InvalidSnapshot.NotFound", {"Name": "n-4", "BlockDeviceMappings": device(SnapshotId="snap-0123")}),
            ("DryRunOperation", {"Name": "n-5", "BlockDeviceMappings": device(), "DryRun": True})):
        assert code_of(ec2.register_image, **fits, **arguments) == code, arguments
    assert code_of(ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    gone = ec2.deregister_image(ImageId=more["ImageId"], DeleteAssociatedSnapshots=True)
    assert gone["DeleteSnapshotResults"] == [{"SnapshotId": snapshot, "ReturnCode": "skipped"}], gone
    assert code_of(ec2.deregister_image, ImageId=more["ImageId"]) == "InvalidAMIID.Unavailable"
    assert code_of(ec2.deregister_image, ImageId=lab.image()) == "AuthFailure"


@case("a snapshot that is not complete makes no image")
def incomplete(lab):
    lab.tell(knobs={"snapshot_seconds": 60})
    disk = lab.client().create_volume(Size=1, AvailabilityZone="us-east-1a")["VolumeId"]
    pending = lab.client().create_snapshot(VolumeId=disk)["SnapshotId"]
    for _ in range(4):
        found = lab.client().describe_snapshots(SnapshotIds=[pending])["Snapshots"][0]
    assert found["State"] == "pending" and int(found["Progress"].rstrip("%")) < 50, found
    assert code_of(lab.client().register_image, Name="early", RootDeviceName="/dev/xvda", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": pending}}]) == "IncorrectState"
    lab.client().delete_snapshot(SnapshotId=pending)
    lab.client().delete_volume(VolumeId=disk)


@case("an image is copied once to another region, and starts there")
def copied(lab):
    lab.tell(knobs={"image_pending": 2})
    far = lab.client(**FAR)
    request = {"Name": "copy", "SourceImageId": BAKED["image"], "SourceRegion": "us-east-1", "ClientToken": "t",
               "TagSpecifications": tags_of("image", a="b") + tags_of("snapshot", c="d")}
    assert code_of(far.copy_image, **request, KmsKeyId="k") == "InvalidParameterDependency"
    made = far.copy_image(**request)["ImageId"]
    assert far.copy_image(**request)["ImageId"] == made
    assert code_of(far.copy_image, **{**request, "ClientToken": "u"}) == "InvalidAMIName.Duplicate"
    states = [far.describe_images(ImageIds=[made])["Images"][0]["State"] for _ in range(3)]
    assert states == ["pending", "pending", "available"], states
    image = far.describe_images(ImageIds=[made])["Images"][0]
    assert image["Tags"] == [{"Key": "a", "Value": "b"}] and image["Architecture"] == "x86_64", image
    assert (image["SourceImageId"], image["SourceImageRegion"]) == (BAKED["image"], "us-east-1")
    new = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    found, = far.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert (found["SnapshotId"], found["State"], found["Tags"]) == (new, "completed", [{"Key": "c", "Value": "d"}])
    assert look(lab.tell()["snapshots"][new]["layers"], "/opt/one") == "one\n"
    safe = far.copy_image(Name="safe", SourceImageId=BAKED["image"], SourceRegion="us-east-1", Encrypted=True,
                          KmsKeyId="arn:aws:kms:us-west-2:123456789012:key/mine")["ImageId"]
    kept = lab.settle(image=safe, region=SECOND)["BlockDeviceMappings"][0]["Ebs"]
    assert kept["Encrypted"], kept
    assert far.describe_snapshots(SnapshotIds=[kept["SnapshotId"]])["Snapshots"][0]["KmsKeyId"].endswith("mine")
    far.modify_image_attribute(ImageId=safe, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
    name = far.run_instances(ImageId=made, InstanceType="c7a.large", MinCount=1, MaxCount=1)["Instances"][0][
        "InstanceId"]
    for _ in range(3):
        far.describe_instances(InstanceIds=[name])
    assert lab.tell()["workers"][name]["own_root"]
    far.terminate_instances(InstanceIds=[name])


@case("it is shared, deprecated and tagged; with the account's own key it is not shared")
def shares(lab):
    ec2, image = lab.client(), BAKED["image"]
    friend = [{"UserId": "210987654321"}]
    asked = {"ImageId": image, "Attribute": "launchPermission"}
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": friend})
    assert ec2.describe_image_attribute(**asked)["LaunchPermissions"] == friend
    ec2.modify_snapshot_attribute(SnapshotId=BAKED["snapshot"], CreateVolumePermission={"Add": friend})
    assert ec2.describe_snapshot_attribute(SnapshotId=BAKED["snapshot"], Attribute="createVolumePermission")[
        "CreateVolumePermissions"] == friend
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": friend})
    assert ec2.describe_image_attribute(**asked)["LaunchPermissions"] == []
    ec2.modify_image_attribute(ImageId=image, Description={"Value": "other"})
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt="2030-01-02T03:04:31Z")
    ec2.create_tags(Resources=[image], Tags=[{"Key": "x", "Value": "y"}])
    ec2.delete_tags(Resources=[image], Tags=[{"Key": "role"}])
    found = ec2.describe_images(ImageIds=[image])["Images"][0]
    assert (found["DeprecationTime"], found["Description"], found["Tags"]) == (
        "2030-01-02T03:04:00.000Z", "other", [{"Key": "x", "Value": "y"}]), found
    ec2.disable_image_deprecation(ImageId=image)
    assert "DeprecationTime" not in ec2.describe_images(ImageIds=[image])["Images"][0]
    default = lab.settle(image=ec2.copy_image(Name="default key", SourceImageId=image, SourceRegion="us-east-1",
                                              Encrypted=True)["ImageId"])
    assert code_of(ec2.modify_image_attribute, ImageId=default["ImageId"],
                   LaunchPermission={"Add": friend}) == "InvalidParameter"
    assert code_of(ec2.modify_snapshot_attribute, CreateVolumePermission={"Add": friend}, SnapshotId=default[
        "BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]) == "InvalidParameter"


@case("the witness sees all that of both regions, and the AWS CLI the same")
def witnessed(lab):
    ec2, far, name = lab.client(), lab.client(**FAR), BAKED["image"]
    friend = [{"UserId": "210987654321"}]
    ec2.modify_image_attribute(ImageId=name, LaunchPermission={"Add": friend})
    before = len(lab.log())
    seen = witness.image(name)
    assert (seen["Accounts"], seen["Tags"]) == (["210987654321"], {"x": "y"}), seen
    assert seen["Snapshots"][0]["Accounts"] == ["210987654321"] and seen["Snapshots"][0]["Tags"] == {"k": "v"}, seen
    everything = witness.everything()
    copy = far.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["copy"]}])["Images"][0]
    assert f"Images {name}" in everything and f"Images {copy['ImageId']} {SECOND}" in everything, everything
    kinds = ("Images", "Snapshots", "Parameters")
    assert witness.by_cli(SECOND) == [e.removesuffix(f" {SECOND}") for e in everything
                                      if e.split()[0] in kinds and e.endswith(SECOND)]
    assert len(lab.log()) == before + 1


@case("volumes are as the image and the request have them")
def volumes(lab):
    ec2 = lab.client()
    request = {"ImageId": lab.image(), "InstanceType": "c7a.large", "MinCount": 1, "MaxCount": 1}
    ebs = {"VolumeSize": 9, "VolumeType": "gp3", "Iops": 6000, "Throughput": 500, "Encrypted": True,
           "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/mine", "DeleteOnTermination": True}
    device = {"DeviceName": "/dev/xvda", "Ebs": ebs}
    ec2.run_instances(**request, BlockDeviceMappings=[device])
    disk, = ec2.describe_volumes()["Volumes"]
    assert {k: disk[v] for k, v in {"VolumeSize": "Size"}.items()} == {"VolumeSize": 9} and disk["SnapshotId"], disk
    assert {k: disk.get(k) for k in ("VolumeType", "Iops", "Throughput", "Encrypted", "KmsKeyId")} == {
        k: ebs[k] for k in ("VolumeType", "Iops", "Throughput", "Encrypted", "KmsKeyId")}, disk
    lab.clear()
    plain = ec2.run_instances(**request)["Instances"][0]["InstanceId"]
    disk, = ec2.describe_volumes()["Volumes"]
    assert (disk["Size"], disk["VolumeType"], disk["Iops"], disk["Throughput"]) == (8, "gp3", 3000, 125), disk
    shown = ec2.describe_instances(InstanceIds=[plain])["Reservations"][0]["Instances"][0]
    assert shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"] == disk["VolumeId"] and \
        shown["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"], shown
    assert code_of(ec2.run_instances, **request, BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 7}}]) == "InvalidBlockDeviceMapping"
    assert code_of(ec2.run_instances, **{**request, "InstanceType": "c7g.large"}) == "InvalidParameterValue"
    lab.clear()
    assert not ec2.describe_volumes()["Volumes"]


@case("CreateImage takes the disk along, starts the machine anew unless it must not, and may fail")
def created(lab):
    ec2, machine = lab.client(), start(lab)
    said(lab, machine, "sudo -n touch /opt/here /run/gone")
    tags = tags_of("image", k="i") + tags_of("snapshot", k="s")
    quiet = ec2.create_image(InstanceId=machine.name, Name="quiet", NoReboot=True, TagSpecifications=tags)["ImageId"]
    assert said(lab, machine, "ls /run/gone") == "/run/gone\n"
    loud = ec2.create_image(InstanceId=machine.name, Name="loud", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 12}}])["ImageId"]
    assert lab.ssh(machine, "ls /run/gone").returncode == 2 and said(lab, machine, "ls /opt/here")
    assert lab.tell()["workers"][machine.name]["boots"] == 2
    image = lab.settle(image=quiet)
    ebs = image["BlockDeviceMappings"][0]["Ebs"]
    assert (image["Tags"], image["SourceInstanceId"], ebs["VolumeSize"], ebs["VolumeType"]) == (
        [{"Key": "k", "Value": "i"}], machine.name, 8, "gp3"), image
    found = ec2.describe_snapshots(SnapshotIds=[ebs["SnapshotId"]])["Snapshots"][0]
    assert (found["State"], found["Tags"]) == ("completed", [{"Key": "k", "Value": "s"}]), found
    assert lab.settle(image=loud)["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 12
    lab.tell(knobs={"image_fails": "no disk"})
    failed = lab.settle(image=ec2.create_image(InstanceId=machine.name, Name="fails", NoReboot=True)["ImageId"])
    assert (failed["State"], failed["StateReason"]["Message"]) == ("failed", "no disk")
    lab.tell(faults=[{"action": "CreateImage", "kind": "denied"}])
    assert code_of(ec2.create_image, InstanceId=machine.name, Name="x-y") == "UnauthorizedOperation"
    for call, arguments in (
            (ec2.create_image, {"InstanceId": machine.name, "Name": "d-1"}), (ec2.deregister_image, {"ImageId": loud}),
            (ec2.create_snapshot, {"VolumeId": lab.volume(machine)}),
            (ec2.delete_snapshot, {"SnapshotId": ebs["SnapshotId"]}),
            (ec2.copy_image, {"Name": "d-2", "SourceImageId": loud, "SourceRegion": "us-east-1"}),
            (ec2.enable_image_deprecation, {"ImageId": loud, "DeprecateAt": "2030-01-02T03:04:31Z"}),
            (ec2.modify_image_attribute, {"ImageId": loud, "Description": {"Value": "x"}}),
            (ec2.modify_snapshot_attribute, {"SnapshotId": ebs["SnapshotId"], "CreateVolumePermission": {
                "Add": [{"UserId": "210987654321"}]}}),
            (ec2.create_tags, {"Resources": [loud], "Tags": [{"Key": "q", "Value": "r"}]}),
            (ec2.delete_tags, {"Resources": [quiet], "Tags": [{"Key": "k"}]})):
        assert code_of(call, **arguments, DryRun=True) == "DryRunOperation", arguments
    assert lab.settle(image=loud)["State"] == "available" and lab.settle(image=quiet)["Tags"]
    clear(lab, machine.group)


@case("nothing is left of what the cases above have made")
def end(lab):
    clear(lab)
    assert not lab.tell()["workers"] and not lab.tell()["snapshots"]


finish()
