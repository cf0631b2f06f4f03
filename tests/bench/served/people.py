"""The question, the answer and the register behind both sides of every ratio: about 1 KB each way, twelve fields."""

from __future__ import annotations

from typing import Any

CITIZEN = "450103198503129995"
CASE = "CASE-0001"
MATTER = "enterprise.registration"

QUESTION: dict[str, Any] = {
    "citizen_id": CITIZEN,
    "name": "韦示例",
    "sex": "1",
    "birth_date": "1985-03-12",
    "nation": "01",
    "nationality": "CHN",
    "address": "广西壮族自治区南宁市兴宁区朝阳街道示例路一百二十八号三栋二单元一千二百零一室",
    "mobile": "13800000000",
    "postal_code": "530012",
    "case_number": "450103202611230001",
    "case_name": "南宁示例商贸有限公司设立登记",
    "reason": "依照企业登记的规定核对法定代表人的身份信息，仅用于本次办理。" * 5,
}
PERSON: dict[str, Any] = {
    "citizen_id": CITIZEN,
    "name": "韦示例",
    "sex": "1",
    "birth_date": "1985-03-12",
    "nation": "01",
    "nationality": "CHN",
    "address": "广西壮族自治区南宁市兴宁区朝阳街道示例路一百二十八号三栋二单元一千二百零一室",
    "residence": "广西壮族自治区南宁市青秀区南湖街道样例大道六号一栋一单元三百零一室",
    "mobile": "13800000000",
    "postal_code": "530012",
    "household_size": 3,
    "remark": "户籍登记项目齐全，最近一次核对与公安机关登记的内容一致。" * 5,
}
REGISTER = {CITIZEN: PERSON}
