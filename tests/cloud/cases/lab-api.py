# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what it adds to moto, as boto3 sees it."""

import json

import botocore.config
import botocore.exceptions
import botocore.session
from lab import case, finish

STRANGER = "ami-0123456789abcdef0"
ONCE = {"MinCount": 1, "MaxCount": 1, "InstanceType": "c7a.large"}


def code_of(function, **arguments):
    """(status, code) of the error that it must be."""
    try:
        function(**arguments)
    except botocore.exceptions.ClientError as problem:
        return problem.response["ResponseMetadata"]["HTTPStatusCode"], problem.response["Error"]["Code"]
    raise AssertionError("it succeeds")


def run(lab, **more):
    return lab.client().run_instances(**{**ONCE, "ImageId": lab.image(), **more})["Instances"][0]


@case("base images have an owner, a date and a kernel, and parameters lead to them")
def images(lab):
    ec2, ssm = lab.client(), lab.client("ssm")
    found = ec2.describe_images(Owners=["amazon"], Filters=[
        {"Name": "name", "Values": ["al2023-ami-2023*-kernel-6.1-arm64"]}])["Images"]
    assert len(found) == 2 and found[0]["CreationDate"] != found[1]["CreationDate"]
    assert all(i["ImageOwnerAlias"] == "amazon" and i["Architecture"] == "arm64" for i in found)
    newest = max(found, key=lambda i: i["CreationDate"])["ImageId"]
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64"
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == newest
    ecs = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended"
    value = json.loads(ssm.get_parameter(Name=ecs)["Parameter"]["Value"])
    assert ec2.describe_images(ImageIds=[value["image_id"]])["Images"][0]["Name"] == value["image_name"]
    stranger = ec2.describe_images(Filters=[{"Name": "name", "Values": ["al2023-ami-2023.9*"]}])["Images"]
    assert len(stranger) == 1 and "ImageOwnerAlias" not in stranger[0]
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert code_of(ssm.get_parameter, Name="/aws/service/none") == (400, "ParameterNotFound")


@case("a client token brings the same instance again, and is refused for another")
def tokens(lab):
    first = run(lab, ClientToken="t")
    assert run(lab, ClientToken="t")["InstanceId"] == first["InstanceId"]
    assert run(lab, ClientToken="u")["InstanceId"] != first["InstanceId"]
    assert code_of(run, lab=lab, ClientToken="t", EbsOptimized=True) == (400, "IdempotentParameterMismatch")
    lab.clear()


@case("an instance is pending, running, shutting down, terminated and gone, by describes")
def states(lab):
    lab.tell(knobs={"pending": 2, "shutting_down": 1, "vanish": 1})
    name = run(lab)["InstanceId"]
    assert [lab.state(name) for _ in range(3)] == ["pending", "pending", "running"]
    lab.client().terminate_instances(InstanceIds=[name])
    assert [lab.state(name) for _ in range(4)] == ["shutting-down", "terminated", "terminated", None]
    assert code_of(lab.client().describe_instances, InstanceIds=[name]) == (400, "InvalidInstanceID.NotFound")


@case("a security group in use is not deleted")
def groups(lab):
    group = lab.group()
    run(lab, SecurityGroupIds=[group])
    assert code_of(lab.client().delete_security_group, GroupId=group) == (400, "DependencyViolation")
    run(lab, NetworkInterfaces=[{"DeviceIndex": 0, "Groups": [group]}])
    lab.clear(group)


@case("interfaces, groups and disks of a request are those of the instance, and go with it")
def parts(lab):
    ec2, group = lab.client(), lab.group()
    subnet = ec2.describe_subnets()["Subnets"][1]
    made = run(lab, NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": [group],
                                        "AssociatePublicIpAddress": False, "DeleteOnTermination": True}],
               BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {
                   "VolumeSize": 11, "VolumeType": "gp3", "DeleteOnTermination": True}}],
               TagSpecifications=[{"ResourceType": kind, "Tags": [{"Key": "k", "Value": kind}]}
                                  for kind in ("instance", "volume")])
    assert made["SecurityGroups"][0]["GroupId"] == group and "PublicIpAddress" not in made
    assert made["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"]
    assert made["PrivateIpAddress"].startswith("127.65.") and made["Tags"] == [{"Key": "k", "Value": "instance"}]
    disk, = ec2.describe_volumes(Filters=[{"Name": "tag:k", "Values": ["volume"]}])["Volumes"]
    assert (disk["Size"], disk["VolumeType"]) == (11, "gp3"), disk
    lab.clear(group)
    assert not ec2.describe_volumes(VolumeIds=[])["Volumes"]
    assert not ec2.describe_network_interfaces()["NetworkInterfaces"]


@case("what was just made is not seen at first, by its name or in lists")
def unseen(lab):
    ec2 = lab.client()
    lab.tell(knobs={"unseen": 3})
    name = run(lab)["InstanceId"]
    assert lab.state(name) is None
    for _ in range(2):
        assert code_of(ec2.create_tags, Resources=[name], Tags=[{"Key": "a", "Value": "b"}]) == (
            400, "InvalidInstanceID.NotFound")
    assert lab.state(name) == "running"
    group = ec2.create_security_group(GroupName="late", Description="x")["GroupId"]
    for _ in range(3):
        assert code_of(ec2.delete_security_group, GroupId=group) == (400, "InvalidGroup.NotFound")
    lab.clear(group)


@case("zones are full by type, zone and market")
def shortages(lab):
    lab.tell(knobs={"shortages": [{"type": "c7a.*", "zone": "us-east-1a"},
                                  {"type": "c7a.*", "zone": "*", "market": "spot"}]})
    full = (500, "InsufficientInstanceCapacity")
    zone_a = {"AvailabilityZone": "us-east-1a"}
    assert code_of(run, lab=lab, Placement=zone_a) == full
    assert code_of(run, lab=lab, InstanceMarketOptions={"MarketType": "spot"}) == full
    assert run(lab)["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert run(lab, InstanceType="c6a.large", Placement=zone_a)["Placement"]["AvailabilityZone"] == "us-east-1a"
    assert code_of(run, lab=lab, InstanceType="c7a.large", Placement={"AvailabilityZone": "us-east-1e"})[1] \
        == "Unsupported"
    lab.clear()


@case("spot prices are those of the table, and a bid below them is refused")
def prices(lab):
    lab.tell(knobs={"spot": {"c7a.large": {"us-east-1b": "0.0123"}}})
    rows = lab.client().describe_spot_price_history(
        InstanceTypes=["c7a.large"], ProductDescriptions=["Linux/UNIX"])["SpotPriceHistory"]
    by_zone = {row["AvailabilityZone"]: float(row["SpotPrice"]) for row in rows}
    assert by_zone["us-east-1b"] == 0.0123 and len(by_zone) > 2 and min(by_zone.values()) == 0.0123, by_zone
    market = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.0122"}}
    zone = {"AvailabilityZone": "us-east-1b"}
    assert code_of(run, lab=lab, Placement=zone, InstanceMarketOptions=market) == (400, "SpotMaxPriceTooLow")
    market["SpotOptions"]["MaxPrice"] = "0.0123"
    made = run(lab, Placement=zone, InstanceMarketOptions=market)
    assert made["InstanceLifecycle"] == "spot" and made["SpotInstanceRequestId"].startswith("sir-")
    lab.clear()


@case("the price list has what a careless filter takes along")
def price_list(lab):
    lab.tell(knobs={"on_demand": {"c7a.large": "0.1026400000"}})
    few = [("instanceType", "c7a.large"), ("regionCode", "us-east-1")]
    exact = few + [("operatingSystem", "Linux"), ("tenancy", "Shared"), ("capacitystatus", "Used"),
                   ("preInstalledSw", "NA")]

    def ask(fields):
        found = lab.client("pricing").get_products(ServiceCode="AmazonEC2", Filters=[
            {"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in fields])["PriceList"]
        return [json.loads(entry) for entry in found]

    assert len(ask(few)) == 5
    only, = ask(exact)
    term, = only["terms"]["OnDemand"].values()
    dimension, = term["priceDimensions"].values()
    assert dimension["pricePerUnit"] == {"USD": "0.1026400000"} and dimension["unit"] == "Hrs"


@case("quotas")
def quotas(lab):
    lab.tell(knobs={"quotas": {"L-34B43A08": 7}})
    client = lab.client("service-quotas")
    assert client.get_service_quota(ServiceCode="ec2", QuotaCode="L-34B43A08")["Quota"]["Value"] == 7
    assert client.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]["Value"] == 256
    assert code_of(client.get_service_quota, ServiceCode="ec2", QuotaCode="L-0") == (400, "NoSuchResourceException")


@case("image names are taken once, snapshots get their tags")
def image_names(lab):
    ec2 = lab.client()
    name = run(lab)["InstanceId"]
    assert [lab.state(name) for _ in range(2)] == ["pending", "running"]
    tags = [{"ResourceType": kind, "Tags": [{"Key": "k", "Value": kind}]} for kind in ("image", "snapshot")]
    made = ec2.create_image(InstanceId=name, Name="mine", TagSpecifications=tags)["ImageId"]
    assert code_of(ec2.create_image, InstanceId=name, Name="mine") == (400, "InvalidAMIName.Duplicate")
    image, = ec2.describe_images(ImageIds=[made])["Images"]
    assert image["State"] == "pending" and image["RootDeviceName"] == "/dev/xvda"
    assert ec2.describe_images(ImageIds=[made])["Images"][0]["State"] == "available"
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Tags"] == tags[1]["Tags"]
    ec2.deregister_image(ImageId=made)
    ec2.delete_snapshot(SnapshotId=snapshot)
    lab.clear()


@case("parameters of one's own have a type, and may be gone")
def parameters(lab):
    ssm = lab.client("ssm")
    put = {"Name": "/app/image", "Type": "String", "DataType": "aws:ec2:image"}
    assert ssm.put_parameter(**put, Value=lab.image())["Version"] == 1
    assert code_of(ssm.put_parameter, **put, Value=STRANGER)[1] == "ParameterAlreadyExists"
    assert ssm.put_parameter(**put, Value=STRANGER, Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name="/app/image")["Parameter"]
    assert (found["Value"], found["Version"], found["DataType"]) == (STRANGER, 2, "aws:ec2:image"), found
    assert code_of(ssm.put_parameter, **{**put, "Name": "/aws/mine"}, Value="x")[1] == "AccessDeniedException"
    ssm.delete_parameter(Name="/app/image")
    assert code_of(ssm.get_parameter, Name="/app/image") == (400, "ParameterNotFound")


@case("templates, groups, configurations and compute environments use an image")
def users(lab):
    ec2, scaling, batch, iam = (lab.client(s) for s in ("ec2", "autoscaling", "batch", "iam"))
    image = STRANGER
    template = ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={
        "ImageId": image, "InstanceType": "c7a.large"})["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={"ImageId": lab.image()})
    rows = ec2.describe_launch_template_versions(LaunchTemplateId=template)["LaunchTemplateVersions"]
    assert {r["LaunchTemplateData"]["ImageId"] for r in rows} == {image, lab.image()}
    latest = ec2.describe_launch_template_versions(Versions=["$Latest", "$Default"])["LaunchTemplateVersions"]
    assert [r["VersionNumber"] for r in latest] == [1, 2] or [r["VersionNumber"] for r in latest] == [2, 1], latest
    scaling.create_launch_configuration(LaunchConfigurationName="c", ImageId=image, InstanceType="c7a.large")
    scaling.create_auto_scaling_group(AutoScalingGroupName="g", MinSize=0, MaxSize=1, LaunchTemplate={
        "LaunchTemplateId": template, "Version": "1"}, AvailabilityZones=["us-east-1a"])
    group, = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["LaunchTemplate"]["LaunchTemplateId"] == template, group
    configuration, = scaling.describe_launch_configurations()["LaunchConfigurations"]
    assert configuration["ImageId"] == image
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    profile = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Arn"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    security = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    batch.create_compute_environment(
        computeEnvironmentName="environment", type="MANAGED", serviceRole=role, computeResources={
            "type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["c7a.large"], "subnets": [subnet],
            "securityGroupIds": [security], "instanceRole": profile, "imageId": image,
            "launchTemplate": {"launchTemplateId": template, "version": "$Default"},
            "ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": image}]})
    found, = batch.describe_compute_environments()["computeEnvironments"]
    assert found["computeResources"]["launchTemplate"]["launchTemplateId"] == template, found
    assert found["computeResources"]["ec2Configuration"][0]["imageIdOverride"] == image, found
    assert {"CreateComputeEnvironment", "DescribeComputeEnvironments"} <= set(lab.tell()["counts"])
    lab.tell(faults=[{"action": "DescribeComputeEnvironments", "kind": "denied"}])
    assert code_of(batch.describe_compute_environments) == (403, "AccessDeniedException")
    batch.update_compute_environment(computeEnvironment="environment", state="DISABLED")
    batch.delete_compute_environment(computeEnvironment="environment")
    scaling.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    scaling.delete_launch_configuration(LaunchConfigurationName="c")
    ec2.delete_launch_template(LaunchTemplateId=template)
    iam.delete_instance_profile(InstanceProfileName="p")
    iam.delete_role(RoleName="r")


@case("DryRun says so, of calls too that only look")
def dry_run(lab):
    ec2 = lab.client()
    assert code_of(run, lab=lab, DryRun=True) == (412, "DryRunOperation")
    for look in (ec2.describe_security_groups, ec2.describe_spot_price_history, ec2.describe_snapshots,
                 ec2.describe_instances):
        assert code_of(look, DryRun=True) == (412, "DryRunOperation"), look


@case("wrong signatures, keys and clocks are refused as by AWS, and reported")
def signatures(lab):
    wrong = {"aws_access_key_id": "AKIATESTTESTTESTTEST", "aws_secret_access_key": "wrong"}
    assert code_of(lab.client("ec2", **wrong).describe_vpcs) == (401, "AuthFailure")
    assert code_of(lab.client("sts", **wrong).get_caller_identity) == (403, "SignatureDoesNotMatch")
    assert code_of(lab.client("ssm", **wrong).get_parameter, Name="x") == (400, "InvalidSignatureException")
    lab.tell(knobs={"clock": 1000})
    assert code_of(lab.client().describe_vpcs) == (400, "RequestExpired")
    report = lab.tell(knobs={"clock": 0})
    assert [r["complaints"][0] for r in report["refused"]] == ["SignatureDoesNotMatch"] * 3 + [
        "RequestTimeTooSkewed"], report["refused"]
    lab.tell(forgive=True)


@case("keys that STS gives are known from then on")
def roles(lab):
    iam = lab.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    keys = lab.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    iam.delete_role(RoleName="r")
    given = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
    assert lab.client("ec2", aws_session_token=keys["SessionToken"], **given).describe_vpcs()["Vpcs"]
    assert code_of(lab.client("ec2", aws_session_token="x", **given).describe_vpcs) == (401, "AuthFailure")
    lab.tell(forgive=True)


@case("/checkip tells the caller's address, or another")
def caller(lab):
    ask = lambda: lab.urlopen("/checkip")  # noqa: E731
    assert ask() == "127.0.0.1\n"
    lab.tell(knobs={"caller": "198.51.100.7"})
    assert ask() == "198.51.100.7\n"


finish()
