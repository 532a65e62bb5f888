# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The lab itself, by the AWS CLI, and the witness.
# shellcheck disable=SC2154

check "the CLI lists regions" grep eu-central-1 <(aws ec2 describe-regions --output text)
group=$(aws ec2 create-security-group --group-name by-cli --description x --query GroupId --output text)
check_exit 1 "left: SecurityGroups $group" "the witness sees what is left" witness compare "$work/before"
check_exit 1 "left: SecurityGroupRules" "and its rules" witness compare "$work/before"
check "which counts for nothing" test "$(lab_report '.counts | length')" = 2
aws ec2 delete-security-group --group-id "$group"
check "nor what is gone" witness compare "$work/before"
lab '{"faults": [{"action": "DescribeVpcs", "kind": "throttle"}]}' >/dev/null
check "a fault as the CLI sees it" grep RequestLimitExceeded <(aws ec2 describe-vpcs 2>&1)
lab '{"calm": true}' >/dev/null
killed_at 1 after aws ec2 create-security-group --group-name killed --description x
check "a command is killed at its first request" test $? = 137
check "has made it all the same" aws ec2 delete-security-group --group-name killed
