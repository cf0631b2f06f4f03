"""A department's SOAP service, written from the specifications and not from our client: WSDL 1.1, document/literal, its own XSD.

It takes only what its schema allows, answers by the path it is asked at, and does its worst at the others.
"""

from __future__ import annotations

from lxml import etree

from .worst import Worst, whole

SCHEMA = """<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="urn:hukou" targetNamespace="urn:hukou" elementFormDefault="qualified">
  <xsd:element name="query"><xsd:complexType><xsd:sequence>
    <xsd:element name="head"><xsd:complexType><xsd:sequence><xsd:element name="reason" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="idNo"><xsd:simpleType><xsd:restriction base="xsd:string"><xsd:maxLength value="40"/></xsd:restriction></xsd:simpleType></xsd:element>
  </xsd:sequence></xsd:complexType></xsd:element>
  <xsd:element name="answer"><xsd:complexType><xsd:sequence>
    <xsd:element name="code" type="xsd:string"/>
    <xsd:element name="person" minOccurs="0" maxOccurs="unbounded"><xsd:complexType><xsd:sequence>
      <xsd:element name="name" type="xsd:string"/><xsd:element name="born" type="xsd:date"/>
      <xsd:element name="share" type="xsd:decimal" minOccurs="0"/><xsd:element name="count" type="xsd:int" minOccurs="0"/>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:sequence></xsd:complexType></xsd:element>
</xsd:schema>"""
WSDL = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/{soap}/"
  xmlns:h="urn:hukou" xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:hukou">
  <wsdl:types><xsd:schema><xsd:import namespace="urn:hukou" schemaLocation="{schema}"/></xsd:schema></wsdl:types>
  <wsdl:message name="in"><wsdl:part name="p" element="h:query"/></wsdl:message>
  <wsdl:message name="out"><wsdl:part name="p" element="h:answer"/></wsdl:message>
  <wsdl:portType name="Hukou"><wsdl:operation name="query"><wsdl:input message="h:in"/><wsdl:output message="h:out"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="b" type="h:Hukou"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="query"><soap:operation soapAction="urn:hukou#query"/><wsdl:input><soap:body use="literal"/></wsdl:input>
    <wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation></wsdl:binding>
  <wsdl:service name="HukouService"><wsdl:port name="p" binding="h:b"><soap:address location="http://169.254.169.254/stolen"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""
ENVELOPES = {"soap": "http://schemas.xmlsoap.org/soap/envelope/", "soap12": "http://www.w3.org/2003/05/soap-envelope"}
PERSON = (
    '<h:answer xmlns:h="urn:hukou"><h:code>00</h:code><h:person><h:name>韦示例</h:name><h:born>1985-03-12</h:born>'
    "<h:share>0.5</h:share><h:count>3</h:count></h:person></h:answer>"
)


def envelope(inside, soap="soap"):
    return f'<s:Envelope xmlns:s="{ENVELOPES[soap]}"><s:Body>{inside}</s:Body></s:Envelope>'


def xml(text, head=b"HTTP/1.1 200 OK\r\n", encoding="utf-8"):
    return whole(text.encode(encoding), head + b"Content-Type: text/xml; charset=utf-8\r\n")


class Hukou(Worst):
    """Answers by the path asked for; every path but those of bad descriptions describes itself well."""

    soap = "soap"

    def described(self, schema="/schema"):
        return self.say(xml(WSDL.format(soap=self.soap, schema=f"{self.server.url}{schema}")))

    def schema(self):
        return self.say(xml(SCHEMA))

    def answered(self, say):
        """Describe the service to who asks for that, or answer as ``say`` does."""
        return self.described() if self.method == "GET" else say()

    def hukou(self):
        return self.answered(self.looked_up)

    def looked_up(self):
        asked = etree.fromstring(self.server.asked[-1][2]).find(f"{{{ENVELOPES[self.soap]}}}Body")[0]
        if not etree.XMLSchema(etree.fromstring(SCHEMA)).validate(asked):
            return self.faulty("soap:Client", "against the schema")
        number = asked.findtext("{urn:hukou}idNo")
        if number == "0":
            return self.say(xml(envelope('<h:answer xmlns:h="urn:hukou"><h:code>01</h:code></h:answer>', self.soap)))
        if number == "no":
            return self.faulty("h:REFUSED", "不予提供")
        if number == "broken":
            return self.faulty("h:E500", "韦示例 450103198503129995 failed")
        return self.say(xml(envelope(PERSON, self.soap)))

    def faulty(self, code, reason):
        fault = f"<s:Fault><faultcode>{code}</faultcode><faultstring>{reason}</faultstring></s:Fault>"
        return self.say(
            xml(envelope(fault).replace("<s:Body>", '<s:Body xmlns:h="urn:hukou">'), b"HTTP/1.1 500 Error\r\n")
        )

    def soap_hang(self):
        return self.answered(self.hang)

    def soap_huge(self):
        return self.answered(lambda: self.say(xml(envelope(PERSON + " " * 2_000_000))))

    def soap_endless(self):
        return self.answered(self.endless)

    def soap_deep(self):
        return self.answered(lambda: self.say(xml(envelope("<a>" * 5_000 + "</a>" * 5_000))))

    def soap_doctype(self):
        return self.answered(lambda: self.say(xml("<!DOCTYPE x>" + envelope(PERSON))))

    def soap_doctype_16(self):
        text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        return self.answered(lambda: self.say(xml(text + envelope(PERSON.replace("韦示例", "&e;")), encoding="utf-16")))

    def soap_laughs(self):
        more = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        text = f'<!DOCTYPE x [<!ENTITY l0 "ha">{more}]>' + envelope(PERSON.replace("韦示例", "&l9;"))
        return self.answered(lambda: self.say(xml(text)))

    def soap_lie(self):
        return self.answered(lambda: self.say(xml(envelope(PERSON.replace("1985-03-12", "yesterday")))))

    def soap_another(self):
        return self.answered(lambda: self.say(xml(envelope('<x xmlns="urn:other"/>'))))

    def soap_nothing(self):
        return self.answered(lambda: self.say(whole(b"", b"HTTP/1.1 200 OK\r\n")))

    def soap_garbage(self):
        return self.answered(self.garbage)

    def soap_html(self):
        return self.answered(
            lambda: self.say(whole(b"<html><p>down", b"HTTP/1.1 500 No\r\nContent-Type: text/html\r\n"))
        )

    def soap_parts(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=x\r\n"
        return self.answered(lambda: self.say(whole(b"--x\r\n\r\n<a/>\r\n--x--", head)))

    def wsdl_hang(self):
        return self.hang()

    def wsdl_html(self):
        return self.html()

    def wsdl_outside(self):
        return self.say(xml(WSDL.format(soap="soap", schema="http://169.254.169.254/latest/meta-data")))

    def wsdl_elsewhere(self):
        return self.say(xml(WSDL.format(soap="soap", schema=self.server.elsewhere)))

    def wsdl_file(self):
        return self.say(xml(WSDL.format(soap="soap", schema="file:///etc/passwd")))

    def wsdl_without_end(self):
        turn = len(self.server.asked)
        nested = f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:include schemaLocation="/wsdl-without-end?n={turn}"/></xsd:schema>'
        return self.say(xml(nested)) if "n=" in self.server.asked[-1][0] else self.described("/wsdl-without-end?n=0")

    def wsdl_doctype(self):
        return self.say(xml("<!DOCTYPE x>" + WSDL.format(soap="soap", schema=f"{self.server.url}/schema")))


class Hukou12(Hukou):
    """The same in SOAP 1.2."""

    soap = "soap12"
